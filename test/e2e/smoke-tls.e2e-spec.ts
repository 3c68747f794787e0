import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CertificateAuthority } from '../helpers/certificates.js';
import { deployBroker, SHORE_PASSWORD, Workplace } from '../helpers/deployed-broker.js';
import { documentedCommands, PROJECT, runCommands } from '../helpers/documented-commands.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { ServiceProcess, temporaryFolder } from '../helpers/service-process.js';

const SMOKE = `node '${join(PROJECT, 'dist/service/smoke/main.js')}'`;
const TOKEN = 'boatswain-1';

async function connected(env: Readonly<Record<string, string>>) {
  const common = { MQTT_QUEUE_DIR: temporaryFolder(), SYNC_INGRESS_TOKEN: TOKEN };
  const service = await ServiceProcess.start({ ...common, ...env });
  await service.untilHealth('the connection', ({ mqtt }) => mqtt.status === 'connected' && mqtt.tlsEnabled);
  return service;
}

describeWithMosquitto('the smoke test over TLS', () => {
  it('passes at the broker on shore as documented, with token and password from files', async () => {
    const workplace = new Workplace();
    const { port, passwordPort } = await deployBroker(workplace, 'shore');
    const { ca, cert, key } = workplace.filesOf('mv-aurora');
    const service = await connected({
      ...{ VESSEL_ID: 'mv-aurora', MQTT_BROKER_URL: `mqtts://localhost:${port}` },
      ...{ MQTT_TLS_CA_FILE: ca, MQTT_TLS_CERT_FILE: cert, MQTT_TLS_KEY_FILE: key },
      ...{ MQTT_TOPIC_PREFIX: 'vessel/sync/{vesselId}/up', MQTT_INBOUND_PREFIX: 'vessel/sync/{vesselId}/down' },
    });
    writeFileSync(join(workplace.folder, 'ingress.token'), `${TOKEN}\n`);
    writeFileSync(join(workplace.folder, 'shore.password'), `${SHORE_PASSWORD}\n`);
    const commands = documentedCommands('docs/deployment.md', 'smoke')
      .replace('http://ship:5000', service.url!)
      .replace('broker.shore.example:8884', `localhost:${passwordPort}`)
      // Built already, and used by other tests just now.
      .replace('npm run smoke --', SMOKE);
    expect(runCommands(commands, workplace.folder)).toMatch(/seen at the broker[^]*\nPASS: 8 checks\n$/);
    // The same with the token where the service itself reads it.
    const elsewhere = commands.replace('--token-file ingress.token', '');
    const asService = `export SYNC_INGRESS_TOKEN_FILE=ingress.token\n${elsewhere}`;
    expect(runCommands(asService, workplace.folder)).toMatch(/PASS: 8 checks\n$/);
    expect(() => runCommands(elsewhere, workplace.folder)).toThrow(/FAIL {2}accepted +answered 401/);
  }, 90_000);

  it('passes with a client certificate, and says what is wrong without one or with another authority', async () => {
    const authority = CertificateAuthority.create();
    const server = authority.issueServer();
    const { certFile, keyFile } = authority.issueClient('mv-test');
    const { caFile } = authority;
    const files = `cafile ${caFile}\ncertfile ${server.certFile}\nkeyfile ${server.keyFile}`;
    const broker = await Mosquitto.start({ config: `allow_anonymous true\n${files}\nrequire_certificate true` });
    const brokerUrl = `mqtts://localhost:${broker.port}`;
    const service = await connected({
      ...{ MQTT_BROKER_URL: brokerUrl, MQTT_TLS_CA_FILE: caFile },
      ...{ MQTT_TLS_CERT_FILE: certFile, MQTT_TLS_KEY_FILE: keyFile },
    });
    const smoke = (options: string) => {
      const command = `SYNC_INGRESS_TOKEN=${TOKEN} ${SMOKE} --timeout 10 --url ${service.url} --broker ${brokerUrl} ${options}`;
      return runCommands(`${command} || true`, temporaryFolder());
    };
    expect(smoke(`--ca ${caFile} --cert ${certFile} --key ${keyFile}`)).toMatch(/PASS: 8 checks\n$/);
    expect(smoke(`--ca ${caFile}`)).toMatch(
      /FAIL {2}witness .*(certificate required|closed the connection|ECONNRESET|EPIPE)/,
    );
    const other = CertificateAuthority.create('Another').caFile;
    expect(smoke(`--ca ${other} --cert ${certFile} --key ${keyFile}`)).toMatch(/FAIL {2}witness .*certificate/);
  }, 90_000);
});
