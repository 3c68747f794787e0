import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { MqttSyncOptions } from '../../src/mqtt-sync/mqtt-sync.options.js';
import { checkEnvironment } from '../../src/service/cli/check/check-environment.js';
import { CertificateAuthority } from '../helpers/certificates.js';
import { deployBroker, SHORE_PASSWORD, Workplace } from '../helpers/deployed-broker.js';
import { check, collect, expectFailure } from '../helpers/check.js';
import { describeWithMosquitto } from '../helpers/mosquitto.js';
import { freePort, listen } from '../helpers/ports.js';
import { ScriptedBroker } from '../helpers/scripted-broker.js';

const AURORA = 'mv-aurora';
const BOREALIS = 'mv-borealis';
const ALL = ['files', 'dns', 'tcp', 'tls', 'connect', 'limits', 'publish', 'subscribe', 'round_trip'];

describe('the check of the way to the broker', () => {
  it.each([
    [
      'a password file',
      { username: 'ship', passwordFile: '/nowhere/password' },
      /password file \/nowhere\/password cannot be read \(ENOENT\)/,
    ],
    ['an authority', { tls: { caFile: '/nowhere/ca.crt' } }, /CA file \/nowhere\/ca.crt cannot be read/],
  ])('names %s that is not there', async (_what, options, detail) => {
    const steps = await check({ brokerUrl: 'mqtts://127.0.0.1:1', ...options });
    expectFailure(steps, 'files', detail, /Check the path/);
  });

  it('says that certificate and key do not belong together, and that a file holds no certificate', async () => {
    const authority = CertificateAuthority.create();
    const [one, other] = [authority.issueClient(AURORA), authority.issueClient('other')];
    const brokerUrl = 'mqtts://127.0.0.1:1';
    const mixed = await check({ brokerUrl, tls: { certFile: one.certFile, keyFile: other.keyFile } });
    expectFailure(mixed, 'files', /key does not belong/, /made together/);
    const swapped = await check({ brokerUrl, tls: { certFile: one.keyFile, keyFile: one.keyFile } });
    expectFailure(swapped, 'files', /MQTT_TLS_CERT_FILE holds nothing/, /PEM file/);
  });

  it('says that a name does not resolve', async () => {
    expectFailure(
      await check({ brokerUrl: 'mqtt://broker.invalid' }),
      'dns',
      /broker\.invalid/,
      /MQTT_BROKER_URL|link/,
    );
  });

  it('says that nobody listens', async () => {
    const brokerUrl = `mqtt://127.0.0.1:${await freePort()}`;
    expectFailure(await check({ brokerUrl }), 'tcp', /cannot be reached \(ECONNREFUSED\)/, /nobody listens/);
  });

  it('says that somebody else listens than a broker, and than one with TLS', async () => {
    const server = createServer((socket) => void socket.on('error', () => {}).resume());
    const port = await listen(server);
    onTestFinished(() => void server.close());
    const plain = await check({ brokerUrl: `mqtt://127.0.0.1:${port}` }, { timeoutMs: 2000 });
    expectFailure(plain, 'connect', /no CONNACK from the broker within 2 s/, /does not speak MQTT/);
    const tls = await check({ brokerUrl: `mqtts://127.0.0.1:${port}` }, { timeoutMs: 2000 });
    expectFailure(tls, 'tls', /no TLS from/, /port and scheme/);
  });

  it('says that scheme and port do not fit each other, and speaks of no certificate', async () => {
    const hangingUp = createServer((socket) => void socket.on('error', () => {}).once('data', () => socket.end()));
    const port = await listen(hangingUp);
    onTestFinished(() => void hangingUp.close());
    const toTls = await check({ brokerUrl: `mqtt://127.0.0.1:${port}` });
    expectFailure(toTls, 'connect', /closed the connection/, /^The port may expect TLS: then use mqtts/);
    expect(toTls.at(-1)?.advice.join()).not.toContain('certificate');
    const { url } = await ScriptedBroker.start();
    const webSocket = await check({ brokerUrl: url.replace('mqtt', 'ws') }, { timeoutMs: 2000 });
    expectFailure(webSocket, 'connect', /./, /^The port may be one for MQTT without WebSocket: then use mqtt /);
    const tls = await check({ brokerUrl: url.replace('mqtt', 'mqtts') }, { timeoutMs: 2000 });
    expectFailure(tls, 'tls', /./, /^The port may be one without TLS/);
  });

  it('warns of TLS files that are not used', async () => {
    const { url } = await ScriptedBroker.start();
    const steps = await check({ brokerUrl: url, tls: { caFile: '/etc/broker-ca.pem' } });
    expect(steps.find(({ name }) => name === 'tls')).toMatchObject({
      status: 'warning',
      advice: [expect.stringContaining('TLS files are set, but the connection is mqtt')],
    });
  });
});

describe('the check of what a broker says', () => {
  it('warns of each limit that slows the service, and passes', async () => {
    const properties = { receiveMaximum: 10, maximumPacketSize: 1000, maximumQoS: 1, retainAvailable: false };
    const broker = await ScriptedBroker.start({
      connack: () => ({ properties: { ...properties, serverKeepAlive: 20 } }),
    });
    const steps = await check({ brokerUrl: broker.url });
    expect(steps.map(({ name }) => name)).toEqual(ALL);
    const limits = steps.find(({ name }) => name === 'limits');
    expect(limits?.status).toBe('warning');
    expect(limits?.advice).toEqual([
      expect.stringContaining('Receive Maximum 10: at most 16 messages a second'),
      expect.stringContaining('set MQTT_MAX_MESSAGE_BYTES to 600'),
      expect.stringContaining('Maximum QoS 1'),
      expect.stringContaining('No retained messages'),
      expect.stringContaining('Topic Alias Maximum 0'),
      expect.stringContaining('Server Keep Alive 20'),
    ]);
  });

  it('fails where nothing can be acknowledged', async () => {
    const broker = await ScriptedBroker.start({ connack: () => ({ properties: { maximumQoS: 0 } }) });
    expectFailure(await check({ brokerUrl: broker.url }), 'limits', /QoS 0 only/, /another broker/);
  });

  it('warns of MQTT 3.1.1, to which it falls back', async () => {
    const broker = await ScriptedBroker.start({
      connack: ({ protocolVersion }) => (protocolVersion === 5 ? { reasonCode: 0x84 } : { returnCode: 0 }),
    });
    const steps = await check({ brokerUrl: broker.url });
    expect(steps.map(({ name }) => name)).toEqual(ALL);
    expect(steps[4]).toMatchObject({ status: 'warning', detail: expect.stringContaining('3.1.1') as string });
  });

  it('says why it is refused', async () => {
    const broker = await ScriptedBroker.start({ connack: () => ({ reasonCode: 0x87 }) });
    expectFailure(
      await check({ brokerUrl: broker.url }),
      'connect',
      /Not authorized \(0x87\)/,
      /user name and password/,
    );
  });

  it('says that a message is refused, hung up on, or not answered', async () => {
    const refusing = await ScriptedBroker.start({ ack: () => 0x87 });
    expectFailure(
      await check({ brokerUrl: refusing.url }),
      'publish',
      /refuses a message on vessel\/sync.*0x87/,
      /broker-setup/,
    );
    const hangingUp = await ScriptedBroker.start({
      onPacket: (packet, connection) => {
        if (packet.cmd === 'publish') connection.close();
        return packet.cmd === 'publish';
      },
    });
    expectFailure(await check({ brokerUrl: hangingUp.url }), 'publish', /hung up on a message/, /compare its rights/);
    const silent = await ScriptedBroker.start({ ack: () => 'withhold' });
    const steps = await check({ brokerUrl: silent.url }, { timeoutMs: 2000 });
    expectFailure(steps, 'publish', /no answer to a message/, /look at the link/);
  });
});

describeWithMosquitto('the check against Mosquitto', () => {
  async function onShore() {
    const workplace = new Workplace();
    const { port, passwordPort } = await deployBroker(workplace, 'shore');
    const optionsOf = (name: string): MqttSyncOptions => {
      const { ca, cert, key } = workplace.filesOf(name);
      return {
        brokerUrl: `mqtts://localhost:${port}`,
        tls: { caFile: ca, certFile: cert, keyFile: key },
        topicPrefix: 'vessel/sync/{vesselId}/up',
        inboundPrefix: 'vessel/sync/{vesselId}/down',
      };
    };
    const { ca } = workplace.filesOf(AURORA);
    const withPassword = { ...optionsOf(AURORA), brokerUrl: `mqtts://localhost:${passwordPort}`, tls: { caFile: ca } };
    return { workplace, port, optionsOf, withPassword };
  }

  it('passes where everything is as documented', async () => {
    const { optionsOf } = await onShore();
    const steps = await check(optionsOf(AURORA));
    expect(steps.map(({ name, status }) => [name, status])).toEqual(ALL.map((name) => [name, 'ok']));
  });

  it('finds rights that do not fit the vessel id, and has warned of it', async () => {
    const { optionsOf } = await onShore();
    const steps = await check({ ...optionsOf(AURORA), vesselId: BOREALIS });
    expect(steps[0]?.advice.join()).toContain('The certificate is for mv-aurora, and VESSEL_ID is mv-borealis');
    expectFailure(steps, 'publish', /vessel\/sync\/mv-borealis\/up\/smoke_probe .*0x87/, /VESSEL_ID/);
  });

  it('finds a client certificate that is missing, or of another authority', async () => {
    const { optionsOf } = await onShore();
    const { tls, ...others } = optionsOf(AURORA);
    const caFile = tls!.caFile!;
    const none = await check({ ...others, tls: { caFile } });
    expectFailure(none, 'connect', /./, /client certificate/);
    const { certFile, keyFile } = CertificateAuthority.create('Another').issueClient(AURORA);
    const foreign = await check({ ...others, tls: { caFile, certFile, keyFile } });
    expectFailure(foreign, 'connect', /./, /client certificate/);
  });

  it('finds an authority that is not the one of the broker, a name that is not in the certificate, and an end', async () => {
    const { optionsOf, port } = await onShore();
    const options = optionsOf(AURORA);
    const { certFile, keyFile } = options.tls!;
    const other = CertificateAuthority.create('Another authority').caFile;
    const distrusted = await check({ ...options, tls: { certFile: certFile!, keyFile: keyFile!, caFile: other } });
    expectFailure(distrusted, 'tls', /not trusted .*issued by Example Shipping/, /MQTT_TLS_CA_FILE/);
    const misnamed = await check({ ...options, brokerUrl: `mqtts://127.0.0.2:${port}` });
    expect(misnamed.at(-1)?.status).toBe('failed');
    const caFile = options.tls!.caFile!;
    const late = await check({ ...options, tls: { caFile } }, { now: new Date('2090-01-01') });
    expectFailure(
      late,
      'tls',
      /broker's certificate ended on 20\d\d-\d\d-\d\d/,
      /clock of this machine says 2090-01-01/,
    );
    const early = await check({ ...options, tls: { caFile } }, { now: new Date('2020-01-01') });
    expectFailure(early, 'tls', /begins on/, /clock/);
    const ended = await check(options, { now: new Date('2090-01-01') });
    expectFailure(ended, 'files', /client certificate ended on/, /Renew/);
  });

  it('warns of a certificate that ends soon', async () => {
    const { optionsOf, workplace } = await onShore();
    workplace.certificates('--days', '20', 'client', 'mv-celeste');
    const [files] = await check({ ...optionsOf('mv-celeste'), vesselId: 'mv-celeste' });
    expect([files?.status, files?.advice]).toEqual(['warning', ['The client certificate ends in 19 days: renew it.']]);
  });

  it('finds a wrong password, and shows none', async () => {
    const { withPassword } = await onShore();
    const steps = await check({ ...withPassword, username: 'shore', password: 'wrong-password' });
    expectFailure(steps, 'connect', /Not authorized/i, /user name and password/);
    expect(JSON.stringify(steps)).not.toContain('wrong-password');
    // The shore may not speak as a ship.
    const right = await check({ ...withPassword, username: 'shore', password: SHORE_PASSWORD });
    expectFailure(right, 'publish', /0x87/, /right to it/);
    expect(JSON.stringify(right)).not.toContain(SHORE_PASSWORD);
  });
});

describe('the check of the environment', () => {
  it('names every bad variable, and dials nobody then', async () => {
    const env = { MQTT_BROKER_URL: 'http://user:pass-word@x', MQTT_MAX_QUEUE_SIZE: 'many' };
    const steps = await collect(checkEnvironment(env));
    expect(steps).toMatchObject([{ name: 'configuration', status: 'failed', detail: '2 bad variables' }]);
    expect(steps[0]?.advice.join('\n')).toMatch(
      /MQTT_MAX_QUEUE_SIZE: .*\n?.*MQTT_BROKER_URL: |MQTT_BROKER_URL: .*\n?.*MQTT_MAX_QUEUE_SIZE: /s,
    );
    expect(JSON.stringify(steps)).not.toContain('pass-word');
  });

  it('goes on to the broker that it names', async () => {
    const env = { MQTT_BROKER_URL: `mqtt://127.0.0.1:${await freePort()}`, VESSEL_ID: AURORA };
    const steps = await collect(checkEnvironment(env, { timeoutMs: 2000 }));
    expect(steps.map(({ name }) => name)).toEqual(['configuration', 'files', 'dns', 'tcp']);
  });
});
