import { randomUUID } from 'node:crypto';
import { chmodSync, cpSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { IClientOptions } from 'mqtt';
import { expect, it } from 'vitest';
import { Topics } from '../../src/mqtt-sync/wire/topics.js';
import { CertificateAuthority } from '../helpers/certificates.js';
import { deployBroker, type DeployedBroker, SHORE_PASSWORD, Workplace } from '../helpers/deployed-broker.js';
import { documentedCommands, runCommands } from '../helpers/documented-commands.js';
import { describeWithMosquitto } from '../helpers/mosquitto.js';
import { Party } from '../helpers/party.js';
import { type Environment, ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { ShoreApplication } from '../helpers/shore-application.js';
import { until } from '../helpers/wait.js';

const AURORA = 'mv-aurora';
const BOREALIS = 'mv-borealis';
const NOT_AUTHORISED = 0x87;

/** The topics of a ship, as the service makes them from the documented prefixes. */
function topicsOf(vessel: string, prefix = 'vessel/sync/{vesselId}/up') {
  const topics = new Topics(prefix, vessel);
  const changes = ['work_orders', 'alerts', 'smoke_probe'].map((entity) => topics.ofEntity(entity));
  return [...changes, topics.status, topics.gap, topics.catchUpOf('work_orders'), topics.catchUpRequest];
}

const down = (vessel: string) => `vessel/sync/${vessel}/down/work_orders`;

/** Where a ship is asked for its changes, and where it asks for what was sent to it. */
const requestTo = (vessel: string) => `vessel/sync/${vessel}/up/catchup/request`;
const requestOf = (vessel: string) => `vessel/sync/${vessel}/down/catchup/request`;

interface Scene extends DeployedBroker {
  readonly workplace: Workplace;
  /** Connects with a certificate. */
  readonly connect: (name: string, options?: IClientOptions) => Promise<Party>;
  /** Connects with user name and password. */
  readonly login: (username?: string, password?: string, options?: IClientOptions) => Promise<Party>;
}

async function onShore(adapt?: (configuration: string) => string): Promise<Scene> {
  const workplace = new Workplace();
  const deployed = await deployBroker(workplace, 'shore', adapt && { adapt });
  const ca = readFileSync(workplace.filesOf(AURORA).ca);
  return {
    ...deployed,
    workplace,
    connect: (name, options) =>
      Party.connect(deployed.port, { ...Party.certificate(workplace.filesOf(name)), ...options }),
    login: (username = 'shore', password = SHORE_PASSWORD, options = {}) =>
      Party.connect(deployed.passwordPort, { ca, username, password, ...options }),
  };
}

/** What the service of a ship is told, as the document has it; with its own files, and our broker. */
function environmentOf(workplace: Workplace, vessel: string, port: number): Environment {
  const { ca, cert, key } = workplace.filesOf(vessel);
  const documented = documentedCommands('docs/broker-setup.md', 'ship')
    .replace('/etc/arus-mqtt-sync/ca.crt', ca)
    .replace('/etc/arus-mqtt-sync/vessel.crt', cert)
    .replace('/etc/arus-mqtt-sync/vessel.key', key)
    .replace('broker.shore.example:8883', `localhost:${port}`)
    .replace('VESSEL_ID=mv-aurora', `VESSEL_ID=${vessel}`);
  const settings = parseEnv(documented) as Environment;
  return { ...settings, MQTT_QUEUE_DIR: temporaryFolder() };
}

/** A request for every alert of a ship. */
function requestFor(vesselId: string): string {
  const question = { type: 'catchup', entity: 'alerts', messageId: randomUUID(), vesselId: 'shore' };
  const timestamp = new Date().toISOString();
  return JSON.stringify({ ...question, timestamp, data: { vesselId, sinceSequence: 0 } });
}

const alert = { entity: 'alerts', operation: 'create', key: 'AL-1', data: { id: 'AL-1' } };

describeWithMosquitto('the broker on shore, set up as documented', () => {
  it('takes from a ship its changes, status, gaps and catch-up, and the shore hears them', async () => {
    const { connect, login } = await onShore();
    const shore = await login();
    await shore.subscribe('vessel/sync/+/up/#');
    const ship = await connect(AURORA);
    for (const topic of topicsOf(AURORA)) {
      expect([topic, await ship.publish(topic), await ship.publish(topic, 'x', 2)]).toEqual([topic, 0, 0]);
      await shore.has(topic);
    }
  });

  it('takes from a ship nothing else', async () => {
    const { connect } = await onShore();
    const ship = await connect(AURORA);
    const foreign = [
      ...topicsOf(BOREALIS),
      ...topicsOf(AURORA, 'vessel/sync'),
      down(AURORA),
      down(BOREALIS),
      `vessel/sync/${AURORA}/up/system/status/${BOREALIS}`,
      `vessel/sync/${AURORA}/up/system/gap/${BOREALIS}`,
      `vessel/sync/${AURORA}/up/work_orders/deeper`,
      'anything',
    ];
    for (const topic of foreign) {
      expect([topic, await ship.publish(topic), await ship.publish(topic, 'x', 2)]).toEqual([
        topic,
        NOT_AUTHORISED,
        NOT_AUTHORISED,
      ]);
    }
  });

  it('gives a ship what is sent to it, and nothing of others, whatever it subscribes to', async () => {
    const { connect, login } = await onShore();
    const ship = await connect(AURORA);
    await ship.subscribe(
      '#',
      '$SYS/#',
      `vessel/sync/${BOREALIS}/#`,
      'vessel/sync/+/up/#',
      `vessel/sync/${AURORA}/down/#`,
    );
    const other = await connect(BOREALIS);
    for (const topic of topicsOf(BOREALIS)) expect(await other.publish(topic, 'x', 1, true)).toBe(0);
    const shore = await login();
    expect(await shore.publish(down(BOREALIS))).toBe(0);
    // The last one: when it is there, everything else would have been.
    expect(await shore.publish(down(AURORA))).toBe(0);
    await ship.has(down(AURORA));
    expect([...new Set(ship.received.map(({ topic }) => topic))]).toEqual([down(AURORA)]);
  });

  it('gives a ship nothing of another whose client id it takes', async () => {
    const { connect, login } = await onShore();
    const session = { clientId: `arus_sync_${BOREALIS}_in`, properties: { sessionExpiryInterval: 3600 } };
    const victim = await connect(BOREALIS, { ...session, clean: false });
    await victim.subscribe(`vessel/sync/${BOREALIS}/down/#`);
    await victim.leave();
    const shore = await login();
    expect(await shore.publish(down(BOREALIS), 'secret')).toBe(0);
    const thief = await connect(AURORA, { ...session, clean: false });
    await thief.subscribe(`vessel/sync/${AURORA}/down/#`);
    expect(await shore.publish(down(BOREALIS), 'secret')).toBe(0);
    expect(await shore.publish(down(AURORA))).toBe(0);
    await thief.has(down(AURORA));
    expect(thief.received.map(({ payload }) => payload)).not.toContain('secret');
  });

  it('lets the shore send to every ship, and not speak as one', async () => {
    const { login } = await onShore();
    const shore = await login();
    expect(await shore.publish(down(AURORA))).toBe(0);
    for (const topic of topicsOf(AURORA).filter((topic) => topic !== requestTo(AURORA)))
      expect([topic, await shore.publish(topic)]).toEqual([topic, NOT_AUTHORISED]);
  });

  it('lets a ship be asked for its changes and ask for what was sent to it, and nobody else', async () => {
    const { connect, login } = await onShore();
    const [ship, other, shore] = [await connect(AURORA), await connect(BOREALIS), await login()];
    await ship.subscribe('vessel/sync/+/+/catchup/request', `vessel/sync/${AURORA}/up/#`);
    await other.subscribe('vessel/sync/+/+/catchup/request');
    await shore.subscribe('vessel/sync/+/down/catchup/request');
    for (const vessel of [BOREALIS, AURORA]) {
      expect(await shore.publish(requestTo(vessel))).toBe(0);
      expect(await ship.publish(requestOf(vessel))).toBe(vessel === AURORA ? 0 : NOT_AUTHORISED);
    }
    expect(await ship.publish(requestTo(BOREALIS))).toBe(NOT_AUTHORISED);
    expect(await ship.publish(topicsOf(AURORA)[0]!)).toBe(0);
    await ship.has(requestTo(AURORA));
    await ship.has(requestOf(AURORA));
    await other.has(requestTo(BOREALIS));
    await shore.has(requestOf(AURORA));
    // Of what lies under its own prefix it reads the requests, and nothing else.
    expect(new Set(ship.received.map(({ topic }) => topic))).toEqual(new Set([requestTo(AURORA), requestOf(AURORA)]));
    expect(new Set(other.received.map(({ topic }) => topic))).toEqual(new Set([requestTo(BOREALIS)]));
  });

  it('publishes the last will of a ship, and none in the name of another', async () => {
    const { connect, login } = await onShore();
    const shore = await login();
    await shore.subscribe('vessel/sync/+/up/#');
    const will = (vessel: string) => ({
      will: { topic: topicsOf(vessel)[3]!, payload: Buffer.from('gone'), qos: 1 as const, retain: true },
    });
    const [liar, ship] = [await connect(AURORA, will(BOREALIS)), await connect(AURORA, will(AURORA))];
    liar.vanish();
    ship.vanish();
    await shore.has(topicsOf(AURORA)[3]!);
    expect(shore.received.map(({ topic }) => topic)).toEqual([topicsOf(AURORA)[3]]);
  });

  it('refuses who has no certificate, one of another authority, an expired or a revoked one', async () => {
    const { connect, port, workplace, broker, etc } = await onShore();
    const files = workplace.filesOf(AURORA);
    const ca = readFileSync(files.ca);
    await expect(Party.connect(port, { ca })).rejects.toThrow();
    await expect(Party.connect(port, { ca, username: 'shore', password: SHORE_PASSWORD })).rejects.toThrow();
    const other = CertificateAuthority.create('Another authority').issueClient(AURORA);
    const foreign = Party.certificate({ ca: files.ca, cert: other.certFile, key: other.keyFile });
    await expect(Party.connect(port, foreign)).rejects.toThrow();
    issueExpired(workplace, 'mv-old');
    await expect(connect('mv-old')).rejects.toThrow();
    // A certificate of a server is none of a client, though our authority signed it.
    await expect(connect('broker.shore.example')).rejects.toThrow();
    expect(await (await connect(BOREALIS)).publish(topicsOf(BOREALIS)[0]!)).toBe(0);
    const revoked = Party.certificate(workplace.filesOf(BOREALIS));
    workplace.certificates('revoke', BOREALIS);
    cpSync(join(workplace.folder, 'certificates/revoked.crl'), join(etc, 'certificates/revoked.crl'));
    chmodSync(join(etc, 'certificates/revoked.crl'), 0o644);
    await broker.restart();
    await expect(Party.connect(port, revoked)).rejects.toThrow();
    expect(await (await connect(AURORA)).publish(topicsOf(AURORA)[0]!)).toBe(0);
  });

  it('refuses a wrong password, and nobody at all', async () => {
    const { login, passwordPort, workplace } = await onShore();
    await expect(login('shore', 'wrong')).rejects.toThrow(/not authori[sz]ed/i);
    await expect(login('nobody', SHORE_PASSWORD)).rejects.toThrow(/not authori[sz]ed/i);
    const ca = readFileSync(workplace.filesOf(AURORA).ca);
    await expect(Party.connect(passwordPort, { ca })).rejects.toThrow(/not authori[sz]ed/i);
  });

  it('is not believed under a name that its certificate does not have', async () => {
    const { workplace, port } = await onShore();
    const { ca, cert, key } = workplace.filesOf(AURORA);
    const options = { ...Party.certificate({ ca, cert, key }), servername: 'broker.elsewhere.example' };
    await expect(Party.connect(port, options)).rejects.toThrow(/altnames|hostname/i);
  });

  it('tells its clients limits that do not slow a satellite link down', async () => {
    const { connect } = await onShore();
    expect((await connect(AURORA)).limits).toMatchObject({ receiveMaximum: 1000, maximumPacketSize: 1_048_576 });
  });

  it('keeps what it acknowledged over a restart, for a reader that is away, and more than brokers keep by default', async () => {
    const backlog = 3000;
    const { connect, login, broker } = await onShore();
    // Mosquitto 2.0.11 keeps no session on disk that began with Clean Start, whatever its expiry.
    const session = { clientId: 'reader', clean: false, properties: { sessionExpiryInterval: 3600 } };
    const reader = await login(undefined, undefined, session);
    await reader.subscribe('vessel/sync/+/up/#');
    await reader.leave();
    const [topic] = topicsOf(AURORA);
    const ship = await connect(AURORA);
    const numbers = Array.from({ length: backlog }, (_, number) => String(number));
    const answers = await Promise.all(numbers.map((number) => ship.publish(topic!, number)));
    expect(answers.filter((code) => code !== 0)).toEqual([]);
    await broker.stop();
    await broker.restart();
    const back = await login(undefined, undefined, session);
    await back.until(() => back.received.length >= backlog, 'the whole backlog');
    expect(back.received.map(({ payload }) => payload)).toEqual(numbers);
  });

  it('serves the service with a client certificate', async () => {
    const { workplace, port, passwordPort, login } = await onShore();
    const shore = await login();
    await shore.subscribe('vessel/sync/+/up/#');
    const service = await ServiceProcess.start(environmentOf(workplace, AURORA, port));
    expect((await service.post(alert)).status).toBe(202);
    await service.untilHealth('the delivery', ({ mqtt, detailedMetrics }) => {
      return mqtt.tlsEnabled && detailedMetrics.messagesPublished === 1;
    });
    await shore.has(`vessel/sync/${AURORA}/up/alerts`);
    await shore.has(`vessel/sync/${AURORA}/up/system/status/${AURORA}`);
    // As the document has people try it from shore; the retained status is the first to come.
    const attempt = documentedCommands('docs/broker-setup.md', 'try')
      .replace('-h broker.shore.example -p 8884', `-h localhost -p ${passwordPort} -C 1 -W 20`)
      .replace('"$PASSWORD"', SHORE_PASSWORD);
    expect(runCommands(attempt, workplace.folder)).toMatch(/^vessel\/sync\/mv-aurora\/up\/.*"vesselId":"mv-aurora"/);
    // It is asked where its changes come from, or where what is sent to it goes, and what it answers comes through.
    for (const topic of [requestTo(AURORA), `vessel/sync/${AURORA}/down/catchup/request`]) {
      shore.received.length = 0;
      await shore.publish(topic, requestFor(AURORA));
      await shore.has(`vessel/sync/${AURORA}/up/catchup/alerts`);
      await shore.until(
        () => shore.received.some(({ payload }) => payload.includes('answered')),
        'the end of the answer',
      );
    }
    service.signal('SIGTERM');
    expect(await service.exit()).toBe(0);
    await shore.until(() => shore.received.at(-1)!.payload.includes('offline'), 'the offline status');
    const { topic, payload } = shore.received.at(-1)!;
    expect([topic, JSON.parse(payload)]).toMatchObject([
      `vessel/sync/${AURORA}/up/system/status/${AURORA}`,
      { vesselId: AURORA, data: { status: 'offline' } },
    ]);
  });
});

describeWithMosquitto('an application on shore, at the broker as documented', () => {
  /** Receives what every ship publishes, and remembers which changes of which ship it has handled. */
  async function startOffice({ workplace, passwordPort }: Scene, dir: string) {
    const office = await ShoreApplication.create({
      ...{ brokerUrl: `mqtts://localhost:${passwordPort}`, username: 'shore', password: SHORE_PASSWORD },
      tls: { caFile: workplace.filesOf(AURORA).ca },
      ...{ topicPrefix: 'vessel/sync/shore/down', inboundPrefix: 'vessel/sync/+/up' },
      ...{ inbox: { dir, catchUpFrom: 'beginning' }, incoming: { gapGraceS: 1 } },
    });
    const handled: string[] = [];
    office.subscriber.subscribe('alerts', (_data, { vesselId, sequence }) => handled.push(`${vesselId} ${sequence}`));
    await office.receive();
    await office.subscribed(4);
    return { office, handled };
  }

  it('asks each ship by itself for what it has missed, also after a restart, and takes nothing in the name of another', async () => {
    const scene = await onShore();
    const service = await ServiceProcess.start(environmentOf(scene.workplace, AURORA, scene.port));
    const post = async (count: number) => {
      for (let number = 0; number < count; number++) expect((await service.post(alert)).status).toBe(202);
      await service.untilHealth('the delivery', ({ mqtt }) => mqtt.queuedMessages === 0);
    };
    await post(5);
    const dir = temporaryFolder();
    const first = await startOffice(scene, dir);
    await post(1);
    const has = async ({ handled }: typeof first, sequences: readonly number[]) => {
      await until(() => handled.length >= sequences.length, { what: () => handled.join(), deadlineMs: 30_000 });
      expect([...handled].sort()).toEqual(sequences.map((sequence) => `${AURORA} ${sequence}`));
    };
    await has(first, [1, 2, 3, 4, 5, 6]);
    // Another ship cannot be told from its own envelopes, but from its topic.
    const liar = await scene.connect(BOREALIS);
    const claim = { type: 'data_change', entity: 'alerts', operation: 'create', key: 'AL-9', messageId: 'lie' };
    const lie = { ...claim, vesselId: AURORA, epoch: 1, sequence: 999, data: {}, timestamp: new Date().toISOString() };
    expect(await liar.publish(`vessel/sync/${BOREALIS}/up/alerts`, JSON.stringify(lie))).toBe(0);
    const { statistics } = first.office.status;
    await until(() => statistics.changesParked === 1, { what: 'the lie to be parked' });
    expect([...first.office.inbox.parked()]).toMatchObject([{ reason: 'topic_mismatch', identity: undefined }]);
    expect([...first.office.inbox.accounts()]).toMatchObject([{ vesselId: AURORA, highest: 6, missing: [] }]);
    await first.office.close();
    // The broker forgets the session of the office, and with it what comes while it is away.
    const thief = await scene.login(undefined, undefined, { clientId: 'arus_sync_shore_in', clean: true });
    await thief.leave();
    await post(3);
    const second = await startOffice(scene, dir);
    await post(1);
    await has(second, [10, 7, 8, 9]);
    const asked = await second.office.catchUp.request({ vesselId: AURORA, entity: 'alerts', sinceSequence: 4 });
    expect(asked).toMatchObject({ received: 6, lost: 0 });
  }, 90_000);
});

describeWithMosquitto('the broker on shore with one prefix for all ships', () => {
  it('keeps status and gaps apart, and shares the rest', async () => {
    const { connect, login } = await onShore((text) => text.replace('shore.acl', 'shore-shared-prefix.acl'));
    const shore = await login();
    await shore.subscribe('vessel/sync/#');
    const ship = await connect(AURORA);
    await ship.subscribe('vessel/sync/#');
    const own = topicsOf(AURORA, 'vessel/sync');
    for (const topic of own) {
      expect([topic, await ship.publish(topic)]).toEqual([topic, 0]);
      await shore.has(topic);
    }
    const foreign = topicsOf(BOREALIS, 'vessel/sync').filter((topic) => !own.includes(topic));
    expect(foreign).toHaveLength(2);
    for (const topic of [...foreign, 'vessel/other', 'anything']) {
      expect([topic, await ship.publish(topic)]).toEqual([topic, NOT_AUTHORISED]);
    }
    expect(await shore.publish('vessel/sync/crew', 'from the shore')).toBe(0);
    await ship.has('vessel/sync/crew');
  });
});

describeWithMosquitto('the broker on board, set up as documented', () => {
  it('passes on to the shore what the service sends, also what came while the link was down, in order', async () => {
    const scene = await onShore();
    const { workplace, login, broker } = scene;
    workplace.run('board-certificates');
    const board = await deployBroker(workplace, 'board', { shorePort: scene.port });
    const shore = await login();
    await shore.subscribe('vessel/sync/+/up/#');
    await shore.has(`vessel/sync/${AURORA}/up/system/bridge`);
    const service = await ServiceProcess.start(environmentOf(workplace, AURORA, board.port));
    expect((await service.post(alert)).status).toBe(202);
    await shore.has(`vessel/sync/${AURORA}/up/alerts`);
    await broker.stop();
    const orders = Array.from({ length: 20 }, (_, number) => ({
      entity: 'work_orders',
      operation: 'update',
      key: 'WO-1',
      data: { number },
    }));
    expect((await service.post(orders)).status).toBe(202);
    await service.untilHealth('the broker on board to have it', ({ mqtt }) => mqtt.queuedMessages === 0);
    await broker.restart();
    const again = await login();
    await again.subscribe('vessel/sync/+/up/#');
    const numbers = () =>
      [...shore.received, ...again.received]
        .filter(({ topic }) => topic.endsWith('/up/work_orders'))
        .map(({ payload }) => (JSON.parse(payload) as { data: { number: number } }).data.number);
    await again.until(() => numbers().includes(19), 'the last work order');
    expect(numbers()).toEqual([...numbers()].sort((a, b) => a - b));
    // A request goes the other way, through both brokers.
    await again.publish(requestTo(AURORA), requestFor(AURORA));
    await again.has(`vessel/sync/${AURORA}/up/catchup/alerts`);
  });

  it('lets other programs on board listen, and not speak', async () => {
    const { workplace, port: shorePort } = await onShore();
    workplace.run('board-certificates');
    const { port } = await deployBroker(workplace, 'board', { shorePort });
    const listener = await Party.connect(port, Party.certificate(workplace.filesOf('listener')));
    await listener.subscribe('vessel/sync/+/up/#');
    const ship = await Party.connect(port, Party.certificate(workplace.filesOf(AURORA)));
    const [topic] = topicsOf(AURORA);
    expect(await listener.publish(topic!)).toBe(NOT_AUTHORISED);
    expect(await ship.publish(topic!)).toBe(0);
    await listener.has(topic!);
  });
});

describeWithMosquitto('make-certificates.sh', () => {
  it('lets nobody else read a key, and names what it was given wrongly', () => {
    const { folder } = new Workplace();
    for (const key of ['authority/ca.key', `issued/${AURORA}.key`]) {
      expect(statSync(join(folder, 'certificates', key)).mode & 0o077).toBe(0);
    }
    const script = 'deploy/mosquitto/make-certificates.sh';
    const attempt = (args: string) => runCommands(`${script} ${args} 2>&1 || echo "exit code $?"`, folder);
    expect(attempt('client "mv/aurora"')).toMatch(/is no name.*exit code 64/s);
    expect(attempt('client "+"')).toMatch(/is no name.*exit code 64/s);
    expect(attempt(`client ${AURORA}`)).toMatch(/exists.*exit code 1/s);
    expect(attempt('authority')).toMatch(/has an authority already.*exit code 1/s);
    expect(attempt('--dir elsewhere client x')).toMatch(/no authority in elsewhere.*exit code 1/s);
    expect(attempt('server b example.com')).toMatch(/no DNS:name.*exit code 64/s);
    expect(attempt('--days 0 client x')).toMatch(/--days.*exit code 64/s);
    expect(attempt('')).toMatch(/Usage.*exit code 64/s);
    expect(attempt('--help')).toMatch(/Examples:/);
  });

  it('lists what it issued, and revokes every certificate of a name, older ones too', () => {
    const workplace = new Workplace();
    const issued = join(workplace.folder, 'certificates/issued');
    runCommands(`rm ${AURORA}.crt ${AURORA}.key`, issued);
    workplace.certificates('--days', '30', 'client', AURORA);
    workplace.certificates('revoke', AURORA);
    const rows = workplace.certificates('list').trim().split('\n');
    expect(rows.filter((row) => row.endsWith(AURORA)).map((row) => row.split(' ')[0])).toEqual(['revoked', 'revoked']);
    expect(rows.find((row) => row.endsWith(BOREALIS))).toMatch(/^valid +20\d\d-\d\d-\d\d /);
  });
});

/** A certificate of our authority whose time is over. */
function issueExpired(workplace: Workplace, name: string): void {
  workplace.certificates('client', name);
  const { cert, key } = workplace.filesOf(name);
  const times = '-startdate 20200101000000Z -enddate 20200201000000Z -rand_serial';
  const request = `openssl req -new -key ${key} -subj /CN=${name} -out expired.csr`;
  const sign = `openssl ca -batch -notext -config certificates/authority/openssl.cnf -in expired.csr ${times} -out ${cert}`;
  runCommands(`${request}\n${sign} 2>/dev/null`, workplace.folder);
}
