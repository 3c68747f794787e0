import dns from 'node:dns';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CertificateAuthority, hasOpenssl } from '../helpers/certificates.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { freePort } from '../helpers/ports.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';
import { FaultShore, PATIENT_BROKER } from './oracle/fault-shore.js';
import { Oracle } from './oracle/oracle.js';
import { sumOf } from './oracle/report.js';
import { scale } from './scale.js';
import { Crew } from './ship/crew.js';
import { LogBook } from './ship/log-book.js';
import { conclude } from './summary/record.js';
import { delivered, faultApplication, scaleTimers } from './witness/fault-application.js';
import { WitnessBroker } from './witness/witness-broker.js';

/** Every reason code above 0x7f that a CONNACK may carry (MQTT 5, section 3.2.2.2). */
const REASON_CODES = [
  ...[0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a],
  ...[0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f],
];
/** Every return code of MQTT 3.1.1 that refuses (section 3.2.2.3). */
const RETURN_CODES = [1, 2, 3, 4, 5];

const hex = (code: number) => `0x${code.toString(16).padStart(2, '0')}`;

/** Refuses as many connections with one code, then accepts; everything accepted meanwhile has to arrive. */
async function refused(protocol: '5' | '3.1.1', code: number, times: number): Promise<Oracle> {
  const oracle = new Oracle();
  const witness = await WitnessBroker.start(oracle);
  const { script } = witness.broker;
  const accept = script.connack!;
  script.connack = (connect, number) =>
    number <= times ? { reasonCode: code, returnCode: code } : accept(connect, number);
  const application = await faultApplication(oracle, { brokerUrl: witness.url, protocol });
  const crew = new Crew(application.publisher, oracle);
  await crew.publish(20);
  await until(() => application.status.reconnectAttempts > 0 || application.status.connected, { what: 'an attempt' });
  await crew.publish(20);
  await delivered(application, oracle);
  // Accepted while nobody was there: none of it counts as a failure of a message.
  expect(application.status.statistics).toMatchObject({ publishFailures: 0, deadLettered: 0 });
  expect(witness.broker.connections).toHaveLength(times + 1);
  await application.close();
  return oracle;
}

describe('A broker that does not take the connection', () => {
  it.each(['5', '3.1.1'] as const)('delivers after each reason to refuse a CONNECT on MQTT %s', async (protocol) => {
    scaleTimers();
    const codes = protocol === '5' ? REASON_CODES : RETURN_CODES;
    // All at the same time: each waits for itself most of the time.
    const reports = await Promise.all(
      codes.map(async (code) => {
        const oracle = await refused(protocol, code, scale.refusals);
        const name = `CONNACK refused with ${hex(code)}`;
        return oracle.report({ name, rounds: scale.refusals, everyArrivalIsPromised: true });
      }),
    );
    conclude(sumOf(`CONNACK refused with each of ${codes.length} codes on ${protocol}`, reports));
  });

  it('goes on when it is accepted and closed without a word, and blames no message', async () => {
    scaleTimers();
    const oracle = new Oracle();
    const witness = await WitnessBroker.start(oracle);
    const { script } = witness.broker;
    const accept = script.connack!;
    const closes = 3 * scale.refusals;
    script.connack = (connect, number) => (number <= closes ? 'close' : accept(connect, number));
    const application = await faultApplication(oracle, { brokerUrl: witness.url });
    const crew = new Crew(application.publisher, oracle);
    await crew.publish(200);
    await delivered(application, oracle, 300_000);
    expect(application.status.statistics).toMatchObject({ publishFailures: 0, deadLettered: 0 });
    conclude(oracle.report({ name: 'accepts and closes', rounds: closes, everyArrivalIsPromised: true }));
  });

  it('goes on when the connection is closed right after each CONNACK, and blames no message', async () => {
    scaleTimers();
    const oracle = new Oracle();
    const closes = 3 * scale.refusals;
    const witness = await WitnessBroker.start(oracle, {
      at: (step, { connection }) => (step === 'publish' && connection <= closes ? 'close' : undefined),
    });
    const application = await faultApplication(oracle, { brokerUrl: witness.url });
    const crew = new Crew(application.publisher, oracle);
    await crew.publish(200);
    await delivered(application, oracle, 300_000);
    expect(application.status.statistics.deadLettered).toBe(0);
    conclude(oracle.report({ name: 'closes on whatever comes first', rounds: closes, everyArrivalIsPromised: true }));
  });
});

describeWithMosquitto('A broker that cannot be found', () => {
  it('keeps trying a name that does not resolve, accepts meanwhile, and delivers when the name is back', async () => {
    const oracle = new Oracle();
    const broker = await Mosquitto.start({ config: PATIENT_BROKER });
    const shore = await FaultShore.listen(broker.url, oracle);
    // The real resolver says no to this name (RFC 6761); that it comes back is played by this process.
    const brokerUrl = `mqtt://broker.invalid:${broker.port}`;
    const log = LogBook.open();
    const application = await faultApplication(oracle, { brokerUrl });
    const crew = new Crew(application.publisher, oracle);
    await crew.publish(100);
    const attempts = () => application.status.reconnectAttempts;
    await until(() => attempts() >= scale.refusals, {
      deadlineMs: 120_000,
      what: () => `attempts; ${attempts()} so far`,
    });
    await crew.publish(100);
    expect(application.status.queue.messages).toBe(200);
    resolveToLoopback('broker.invalid');
    await delivered(application, oracle);
    await shore.caughtUp();
    expect(log.matching(/Cannot connect.*(ENOTFOUND|EAI_AGAIN)/)).not.toHaveLength(0);
    const rounds = scale.refusals;
    conclude(oracle.report({ name: 'DNS gone, then back (answer simulated)', rounds, everyArrivalIsPromised: true }));
  });
});

/** From now to the end of the test a name resolves to 127.0.0.1 in this process. */
function resolveToLoopback(name: string): void {
  const { lookup } = dns;
  const patched = (host: string, ...rest: unknown[]) =>
    (lookup as (...args: unknown[]) => void)(host === name ? '127.0.0.1' : host, ...rest);
  dns.lookup = patched as unknown as typeof dns.lookup;
  onTestFinished(() => void (dns.lookup = lookup));
}

describeWithMosquitto('A broker whose identity or ours changes', () => {
  it.skipIf(!hasOpenssl())('delivers when the broker has its right certificate back', async () => {
    const oracle = new Oracle();
    const authority = CertificateAuthority.create();
    const stranger = CertificateAuthority.create('Somebody else');
    const plainPort = await freePort();
    const secured = (by: CertificateAuthority): string => {
      const { certFile, keyFile } = by.issueServer();
      // The shore has a listener of its own.
      return `certfile ${certFile}\nkeyfile ${keyFile}\nlistener ${plainPort} 127.0.0.1\n${PATIENT_BROKER}`;
    };
    const wrong = secured(stranger);
    const right = secured(authority);
    const broker = await Mosquitto.start({ config: right });
    // It sends nothing itself: a broker that ends with something unread resets, and takes what is on the way to the shore with it.
    const shore = await FaultShore.listen(`mqtt://127.0.0.1:${plainPort}`, oracle, 0);
    const link = await TcpProxy.start(broker.port);
    const url = link.url.replace('mqtt:', 'mqtts:');
    const log = LogBook.open();
    const application = await faultApplication(oracle, { brokerUrl: url, tls: { caFile: authority.caFile } });
    await application.connected();
    const crew = new Crew(application.publisher, oracle);
    for (let round = 1; round <= scale.refusals; round++) {
      await crew.publish(100);
      broker.configure(wrong);
      await broker.restart();
      const attempts = () => application.status.reconnectAttempts;
      await until(() => attempts() >= 2, { deadlineMs: 60_000, what: 'two attempts at the wrong certificate' });
      await crew.publish(100);
      await link.refuse();
      broker.configure(right);
      await broker.restart();
      await until(() => shore.isListening, { deadlineMs: 60_000, what: 'the shore to be back' });
      await link.accept();
      await until(() => application.status.connected, { deadlineMs: 60_000, what: 'the ship to be back' });
    }
    await delivered(application, oracle);
    await shore.caughtUp();
    expect(log.matching(/Cannot connect.*certificate/)).not.toHaveLength(0);
    const rounds = scale.refusals;
    conclude(oracle.report({ name: 'wrong certificate, then right', rounds, everyArrivalIsPromised: true }));
  });

  it('goes on with rotated credentials, without a restart and without a word of them in the log', async () => {
    scaleTimers();
    const oracle = new Oracle();
    const users = (password: string) => ({ ship: password, shore: 'ashore' });
    const passwords = Array.from({ length: scale.refusals + 1 }, (_, round) => `pass-word-${round}`);
    const config = (folder: string) =>
      `${PATIENT_BROKER.replace('allow_anonymous true', 'allow_anonymous false')}\npassword_file ${join(folder, 'passwords')}`;
    const broker = await Mosquitto.start({ config, users: users(passwords[0]!) });
    const shore = await FaultShore.listen(broker.url.replace('//', '//shore:ashore@'), oracle);
    const link = await TcpProxy.start(broker.port);
    const passwordFile = join(broker.folder, 'ship-password');
    writeFileSync(passwordFile, passwords[0]!);
    const log = LogBook.open();
    const application = await faultApplication(oracle, { brokerUrl: link.url, username: 'ship', passwordFile });
    await application.connected();
    const crew = new Crew(application.publisher, oracle);
    for (const password of passwords.slice(1)) {
      await crew.publish(100);
      broker.setUsers(users(password));
      broker.reload();
      // Whether the broker ends connections whose password is no longer right is its own affair; a cut ends ours.
      link.cut();
      const isRefused = () => application.status.reconnectAttempts >= 2;
      await until(isRefused, {
        deadlineMs: 60_000,
        what: () => `the old password to be refused; ${broker.log.slice(-500)}`,
      });
      await crew.publish(100);
      writeFileSync(passwordFile, password);
      await until(() => application.status.connected, { deadlineMs: 90_000, what: 'the new password to be taken' });
    }
    await delivered(application, oracle);
    await shore.caughtUp();
    for (const password of passwords) expect(log.lines.join('\n')).not.toContain(password);
    const rounds = scale.refusals;
    conclude(oracle.report({ name: 'credentials rotated while running', rounds, everyArrivalIsPromised: true }));
  });
});
