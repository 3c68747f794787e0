import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CertificateAuthority, hasOpenssl } from '../helpers/certificates.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { freePort } from '../helpers/ports.js';
import { ScriptedBroker } from '../helpers/scripted-broker.js';
import { queueFolder } from '../helpers/sync-application.js';
import { until } from '../helpers/wait.js';
import { reportWithoutMessages } from './oracle/report.js';
import { Oracle } from './oracle/oracle.js';
import { Counter } from './ship/counter.js';
import { ServiceShip } from './ship/service-ship.js';
import { Leaks } from './secrets/leaks.js';
import { record, recordNotTested } from './summary/record.js';

/** Each with characters that a URL, JSON and a regular expression write in their own way. */
const IN_URL = 'url/pass "w:ord" +1';
const IN_VARIABLE = 'env$pass\\word&=?2';
const IN_FILE = 'file päss%word#3';
const TOKEN = 'token-4711.harbour_light~/+==';
const USER = 'purser';

const SYNC = '/api/mqtt/reliable-sync';

if (!hasOpenssl()) recordNotTested('no secret anywhere: client key', 'needs openssl');

/** A service of which everything that it says to anybody is kept and searched. */
class WatchedService {
  readonly port: number;
  readonly dir: string;
  private readonly service: ServiceShip;
  private readonly answers: string[] = [];

  private constructor(port: number, dir: string, env: Readonly<Record<string, string>>) {
    this.port = port;
    this.dir = dir;
    const own = { VESSEL_ID: 'mv-fault', MQTT_QUEUE_DIR: dir, MQTT_RECONNECT_MAX_S: '1', SYNC_INGRESS_TOKEN: TOKEN };
    const all = { ...own, LOG_LEVEL: 'verbose', HEALTH_RATE_LIMIT: '100000', ...env };
    this.service = ServiceShip.launch(port, all);
  }

  static async launch(env: Readonly<Record<string, string>>, dir = queueFolder()): Promise<WatchedService> {
    return new WatchedService(await freePort(), dir, env);
  }

  get output(): string {
    return this.service.output;
  }

  /** Waits for a line of the log. */
  async says(pattern: RegExp): Promise<void> {
    const what = () => `${pattern.source} in the log, which is: ${this.output}`;
    await until(() => pattern.test(this.output), { deadlineMs: 30_000, what });
  }

  async exit(): Promise<number | null> {
    return this.service.exit();
  }

  ready(): Promise<void> {
    return this.service.ready(`http://127.0.0.1:${this.port}`);
  }

  kill(): Promise<void> {
    return this.service.kill();
  }

  /** Asks everything there is to ask, with the right token, a wrong one and none, and posts what is wrong. */
  async interrogate(): Promise<void> {
    const paths = ['/health/live', '/health/ready', '/metrics', `${SYNC}/health`, `${SYNC}/dead-letters`, '/nowhere'];
    for (const path of paths)
      for (const authorization of [undefined, `Bearer ${TOKEN}`, `Bearer x${TOKEN}`, `Basic ${TOKEN}`])
        await this.ask(path, { headers: { ...(authorization && { authorization }) } });
    const bodies = ['{', '[]', '{"entity":"Crew/#","operation":"create"}', JSON.stringify({ token: 1 }), '"x"'];
    for (const body of bodies) {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` };
      await this.ask(`${SYNC}/changes`, { method: 'POST', body, headers });
      await this.ask(`${SYNC}/changes`, {
        method: 'POST',
        body,
        headers: { ...headers, authorization: 'Bearer wrong' },
      });
    }
    await this.rawRequest(`GET /health/live HTTP/1.1\r\nAuthorization: Bearer ${TOKEN}\r\nbad header\r\n\r\n`);
  }

  /** Puts all that can be seen of it where it is searched. */
  collect(leaks: Leaks, run: string): void {
    leaks.search(`${run}: log`, this.output);
    leaks.search(`${run}: answers`, this.answers.join('\n'));
    for (const name of existsSync(this.dir) ? readdirSync(this.dir) : []) {
      const file = join(this.dir, name);
      if (statSync(file).isFile()) leaks.search(`${run}: file ${name}`, readFileSync(file));
    }
  }

  private async ask(path: string, init: RequestInit): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, init);
    this.answers.push(`${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`);
  }

  private async rawRequest(text: string): Promise<void> {
    const socket = connect(this.port, '127.0.0.1').setEncoding('latin1');
    socket.on('data', (answer: string) => this.answers.push(answer)).on('error', () => {});
    socket.end(text);
    await new Promise((resolve) => socket.once('close', resolve));
  }
}

function everySecret(): Leaks {
  return new Leaks({
    'password in the URL': IN_URL,
    'password variable': IN_VARIABLE,
    'password file': IN_FILE,
    token: TOKEN,
  });
}

function brokerUrl(port: number, scheme = 'mqtt'): string {
  return `${scheme}://${USER}:${encodeURIComponent(IN_URL)}@127.0.0.1:${port}`;
}

function passwordFile(): string {
  const file = join(queueFolder(), 'password');
  writeFileSync(file, `${IN_FILE}\n`);
  return file;
}

function concludeLeaks(leaks: Leaks, name: string): void {
  record(
    reportWithoutMessages(name, leaks.searched, 0, [
      `${leaks.searched} texts and files, ${leaks.bytes} bytes searched`,
    ]),
  );
  expect(leaks.found).toEqual([]);
}

describeWithMosquitto('No secret', () => {
  it('is in any log line, answer or file when the password is wrong, wherever it came from', async () => {
    const leaks = everySecret();
    const broker = await Mosquitto.start({
      users: { [USER]: 'another' },
      config: (folder) => `allow_anonymous false\npassword_file ${join(folder, 'passwords')}`,
    });
    const MQTT_BROKER_URL = brokerUrl(broker.port);
    const sources = [{}, { MQTT_PASSWORD: IN_VARIABLE }, { MQTT_PASSWORD_FILE: passwordFile() }];
    for (const [index, source] of sources.entries()) {
      const service = await WatchedService.launch({ MQTT_BROKER_URL, ...source });
      await service.ready();
      await service.says(/refused|not authori[sz]ed|credentials/i);
      const headers = { authorization: `Bearer ${TOKEN}` };
      const posted = await new Counter(`http://127.0.0.1:${service.port}`, new Oracle(), headers).post({ count: 10 });
      expect(posted.status).toBe(202);
      await service.interrogate();
      await service.kill();
      service.collect(leaks, `wrong password ${index}`);
    }
    concludeLeaks(leaks, 'no secret anywhere: wrong passwords, 401s, bad requests');
  });

  it('comes back by a broker that echoes what it was told in its reasons, and hangs up', async () => {
    const leaks = everySecret();
    for (const source of [{}, { MQTT_PASSWORD: IN_VARIABLE }]) {
      const broker = await ScriptedBroker.start({
        connack: (connect, connection) => {
          const password = connect.password?.toString() ?? '';
          const basic = Buffer.from(`${connect.username}:${password}`).toString('base64');
          const said = `go away ${password} ${encodeURIComponent(password)} ${JSON.stringify(password)} ${basic}`;
          return connection % 2 === 0 ? 'close' : { reasonCode: 0x86, properties: { reasonString: said } };
        },
      });
      const service = await WatchedService.launch({ MQTT_BROKER_URL: brokerUrl(broker.port), ...source });
      await service.ready();
      await until(() => broker.connections.length >= 2, { deadlineMs: 60_000, what: 'a second attempt' });
      await service.says(/Cannot connect|refused/i);
      await service.interrogate();
      await service.kill();
      service.collect(leaks, 'echo');
    }
    concludeLeaks(leaks, 'no secret anywhere: a broker that echoes');
  });

  it('is in what a bad environment is answered with, nor in the words of a crash', async () => {
    const leaks = everySecret();
    const bad = [
      { MQTT_BROKER_URL: `ftp://${USER}:${encodeURIComponent(IN_URL)}@127.0.0.1` },
      { MQTT_BROKER_URL: `mqtt://${USER}:${IN_URL}@127.0.0.1:1:2` },
      { MQTT_BROKER_URL: brokerUrl(1), MQTT_PASSWORD: IN_VARIABLE, MQTT_PASSWORD_FILE: passwordFile(), PORT: 'x' },
      { MQTT_BROKER_URL: brokerUrl(1), SYNC_INGRESS_TOKEN: `${TOKEN} with a blank` },
    ];
    for (const [index, env] of bad.entries()) {
      const service = await WatchedService.launch({ MQTT_PASSWORD: IN_VARIABLE, ...env });
      expect(await service.exit(), `${index}: ${service.output}`).toBe(78);
      service.collect(leaks, `bad environment ${index}`);
    }
    const dir = queueFolder();
    writeFileSync(join(dir, 'queue.mdb'), 'x'.repeat(100_000));
    const damaged = await WatchedService.launch({ MQTT_BROKER_URL: brokerUrl(1), MQTT_PASSWORD: IN_VARIABLE }, dir);
    await damaged.ready();
    const second = await WatchedService.launch({ MQTT_BROKER_URL: brokerUrl(1), MQTT_PASSWORD: IN_VARIABLE }, dir);
    expect(await second.exit()).toBe(1);
    await damaged.kill();
    damaged.collect(leaks, 'damaged store');
    second.collect(leaks, 'locked folder');
    concludeLeaks(leaks, 'no secret anywhere: bad environment, refused starts');
  });

  it.skipIf(!hasOpenssl())('of a client certificate is shown by any error of TLS', async () => {
    const authority = CertificateAuthority.create();
    const { certFile, keyFile } = authority.issueServer();
    const client = authority.issueClient('mv-fault');
    const stranger = CertificateAuthority.create('Stranger').issueClient('stranger');
    const broken = join(queueFolder(), 'broken.key');
    copyFileSync(client.keyFile, broken);
    const keyText = readFileSync(client.keyFile, 'utf8');
    writeFileSync(broken, keyText.replace('MIG', 'mig'));
    const leaks = new Leaks({
      'password in the URL': IN_URL,
      token: TOKEN,
      'client key': keyText.split('\n')[1]!,
      'stranger key': readFileSync(stranger.keyFile, 'utf8').split('\n')[1]!,
    });
    const tls = `allow_anonymous true\ncafile ${authority.caFile}\ncertfile ${certFile}\nkeyfile ${keyFile}\nrequire_certificate true`;
    const broker = await Mosquitto.start({ config: tls });
    const MQTT_BROKER_URL = brokerUrl(broker.port, 'mqtts');
    const ca = { MQTT_TLS_CA_FILE: authority.caFile };
    const files = [
      {},
      { ...ca, MQTT_TLS_CERT_FILE: stranger.certFile, MQTT_TLS_KEY_FILE: stranger.keyFile },
      { ...ca, MQTT_TLS_CERT_FILE: client.certFile, MQTT_TLS_KEY_FILE: stranger.keyFile },
      { ...ca, MQTT_TLS_CERT_FILE: client.certFile, MQTT_TLS_KEY_FILE: broken },
      // The wrong way round: the key is read as a certificate.
      { ...ca, MQTT_TLS_CERT_FILE: client.keyFile, MQTT_TLS_KEY_FILE: client.certFile },
      { MQTT_TLS_CA_FILE: client.keyFile },
    ];
    for (const [index, env] of files.entries()) {
      const service = await WatchedService.launch({ MQTT_BROKER_URL, ...env });
      await service.ready();
      await service.says(/Cannot connect|refused/i);
      await service.interrogate();
      await service.kill();
      service.collect(leaks, `TLS ${index}`);
    }
    const right = { ...ca, MQTT_TLS_CERT_FILE: client.certFile, MQTT_TLS_KEY_FILE: client.keyFile };
    const service = await WatchedService.launch({ MQTT_BROKER_URL, ...right });
    await service.ready();
    await service.says(/onnected to/);
    await service.interrogate();
    await service.kill();
    service.collect(leaks, 'TLS');
    concludeLeaks(leaks, 'no secret anywhere: TLS errors');
  });
});
