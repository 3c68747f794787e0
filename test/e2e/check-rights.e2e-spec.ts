import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ISubscribePacket } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import type { MqttSyncOptions } from '../../src/mqtt-sync/mqtt-sync.options.js';
import { check, expectFailure } from '../helpers/check.js';
import { deployBroker, Workplace } from '../helpers/deployed-broker.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { ScriptedBroker } from '../helpers/scripted-broker.js';
import { ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { Shore } from '../helpers/shore.js';
import { until } from '../helpers/wait.js';

const AURORA = 'mv-aurora';
const UP = `vessel/sync/${AURORA}/up`;
const DOWN = `vessel/sync/${AURORA}/down`;
const PREFIXES = { topicPrefix: 'vessel/sync/{vesselId}/up', inboundPrefix: 'vessel/sync/{vesselId}/down' };

const PUBLISHED = [
  `${UP}/smoke_probe`,
  `${UP}/system/status/${AURORA}`,
  `${UP}/system/gap/${AURORA}`,
  `${UP}/catchup/smoke_probe`,
];
const ASKING = `${DOWN}/catchup/request`;
const SUBSCRIBED = [`${UP}/catchup/request`, `${DOWN}/catchup/request`];

describe('the check of the rights at a broker', () => {
  it('asks for what the service does, and for nothing else', async () => {
    const broker = await ScriptedBroker.start();
    const steps = await check({ brokerUrl: broker.url, ...PREFIXES });
    expect(steps.filter(({ status }) => status === 'failed')).toEqual([]);
    const topics = new Set(broker.packets('publish').map(({ topic }) => topic));
    expect([...topics]).toEqual([...PUBLISHED, ASKING]);
    const filters = broker.packets('subscribe').flatMap(({ subscriptions }) => subscriptions.map(({ topic }) => topic));
    expect(filters).toEqual(SUBSCRIBED);
    const [connect] = broker.packets('connect');
    expect(connect?.will).toMatchObject({ topic: PUBLISHED[1], qos: 1, retain: false });
    // With a goodbye, so that the broker keeps the will to itself.
    await broker.waitFor('disconnect');
  });

  it.each(PUBLISHED)('names the right to publish on %s', async (topic) => {
    const broker = await ScriptedBroker.start({
      ack: (packet) => (packet.cmd === 'publish' && packet.topic === topic ? 0x87 : 0),
    });
    const steps = await check({ brokerUrl: broker.url, ...PREFIXES });
    const [failed] = steps.filter(({ status }) => status === 'failed');
    expect(failed?.detail).toBe(`the broker refuses a message on ${topic} (0x87)`);
    expect(failed?.advice[0]).toMatch(`Without the right to publish on ${topic} `);
  });

  it('names all that are missing at once', async () => {
    const broker = await ScriptedBroker.start({ ack: () => 0x87 });
    const steps = await check({ brokerUrl: broker.url, ...PREFIXES });
    expectFailure(
      steps,
      'publish',
      /up\/smoke_probe .*status.*gap.*up\/catchup/,
      /no change is delivered.*online.*lost/,
    );
  });

  it('warns only where others cannot be asked, which the service can do without', async () => {
    const broker = await ScriptedBroker.start({
      ack: (packet) => (packet.cmd === 'publish' && packet.topic === ASKING ? 0x87 : 0),
    });
    const steps = await check({ brokerUrl: broker.url, ...PREFIXES });
    expect(steps.find(({ name }) => name === 'publish')).toMatchObject({ status: 'warning' });
    expect(steps.at(-1)?.name).toBe('round_trip');
  });

  it.each(SUBSCRIBED)('names the right to subscribe to %s', async (filter) => {
    const broker = await ScriptedBroker.start({
      onPacket: (packet, connection) => {
        if (packet.cmd !== 'subscribe') return undefined;
        connection.send({ cmd: 'suback', messageId: packet.messageId!, granted: codesOf(packet, filter) });
        return true;
      },
    });
    const steps = await check({ brokerUrl: broker.url, ...PREFIXES });
    expectFailure(
      steps,
      'subscribe',
      new RegExp(`refuses the subscription to ${filter} `),
      /nobody can ask this vessel/,
    );
  });

  it('says that the broker lets us in, but not with our last will', async () => {
    const broker = await ScriptedBroker.start({ connack: ({ will }) => (will ? { reasonCode: 0x87 } : {}) });
    const steps = await check({ brokerUrl: broker.url, ...PREFIXES });
    expectFailure(
      steps,
      'connect',
      /last will on vessel\/sync\/mv-aurora\/up\/system\/status\/mv-aurora/,
      /right to publish/,
    );
  });

  it('retains nothing where the broker could not forget it by itself', async () => {
    const old = await ScriptedBroker.start({
      connack: ({ protocolVersion }) => (protocolVersion === 5 ? { reasonCode: 0x84 } : { returnCode: 0 }),
    });
    await check({ brokerUrl: old.url, ...PREFIXES });
    expect(old.packets('publish').filter(({ retain }) => retain)).toEqual([]);
    const recent = await ScriptedBroker.start();
    await check({ brokerUrl: recent.url, ...PREFIXES });
    const retained = recent.packets('publish').filter(({ retain }) => retain);
    expect(retained).toMatchObject([{ topic: PUBLISHED[0], properties: { messageExpiryInterval: 1 } }]);
  });
});

const codesOf = ({ subscriptions }: ISubscribePacket, refused: string): number[] =>
  subscriptions.map(({ topic }) => (topic === refused ? 0x87 : 1));

describeWithMosquitto('the check of the rights at Mosquitto', () => {
  async function onShore(acl = 'shore.acl') {
    const workplace = new Workplace();
    const { port, etc, broker } = await deployBroker(workplace, 'shore', {
      adapt: (text) => text.replace('shore.acl', acl),
    });
    const { ca, cert, key } = workplace.filesOf(AURORA);
    const tls = { caFile: ca, certFile: cert, keyFile: key };
    const options: MqttSyncOptions = { brokerUrl: `mqtts://localhost:${port}`, tls, ...PREFIXES };
    return { options, broker, acl: join(etc, acl) };
  }

  it('finds each line of shore.acl that is missing', async () => {
    const { options, acl, broker } = await onShore();
    const whole = readFileSync(acl, 'utf8');
    const lines: readonly (readonly [string, RegExp])[] = [
      ['pattern write vessel/sync/%u/up/+', /refuses a message on \S+\/up\/smoke_probe \([^,]*$/],
      ['pattern write vessel/sync/%u/up/system/status/%u', /refuses a message on \S+\/status\/mv-aurora \([^,]*$/],
      ['pattern write vessel/sync/%u/up/system/gap/%u', /refuses a message on \S+\/gap\/mv-aurora \([^,]*$/],
      ['pattern write vessel/sync/%u/up/catchup/+', /refuses a message on \S+\/up\/catchup\/smoke_probe \([^,]*$/],
    ];
    for (const [line, detail] of lines) {
      expect(whole).toContain(`${line}\n`);
      writeFileSync(acl, whole.replace(`${line}\n`, ''));
      await broker.restart();
      expectFailure(await check(options), 'publish', detail, /broker-setup/);
    }
  }, 60_000);

  it('passes where all ships share one prefix, as documented', async () => {
    const { options } = await onShore('shore-shared-prefix.acl');
    const shared = { topicPrefix: 'vessel/sync', inboundPrefix: 'vessel/sync' };
    const steps = await check({ ...options, ...shared });
    expect(steps.filter(({ status }) => status !== 'ok')).toEqual([]);
  });

  it('leaves nothing at the broker, and a running service its connection and its status', async () => {
    const broker = await Mosquitto.start();
    const env = { MQTT_BROKER_URL: broker.url, MQTT_QUEUE_DIR: temporaryFolder(), VESSEL_ID: AURORA };
    const service = await ServiceProcess.start(env);
    await service.untilHealth('the connection', ({ status }) => status === 'healthy');
    const retained = async () => {
      const late = await Shore.listen(broker.url);
      await until(() => late.received.length > 0, { what: 'the status' });
      return late.received.filter(({ retain }) => retain).map(({ topic, envelope }) => [topic, envelope.type]);
    };
    const live = await Shore.listen(broker.url);
    const steps = await check({ brokerUrl: broker.url });
    expect(steps.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(broker.log).toMatch(/as arus_check_mv-aurora_/);
    expect(broker.log.match(/as arus_sync_mv-aurora/g)).toHaveLength(1);
    await until(() => live.received.filter(({ envelope }) => envelope.type === 'data_change').length === 4, {
      what: 'the probes',
    });
    // The retained probe ends by itself.
    const status = [[`vessel/sync/system/status/${AURORA}`, 'status']];
    await until(async () => JSON.stringify(await retained()) === JSON.stringify(status), {
      what: 'only the status to be kept',
    });
    const said = live.received.filter(({ topic }) => topic.includes('/system/status/'));
    expect(said.map(({ envelope }) => envelope.type)).toEqual(['status', 'check']);
  });
});
