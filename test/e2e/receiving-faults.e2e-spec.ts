import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findMosquitto } from '../helpers/mosquitto-process.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { describeWith } from '../helpers/programs.js';
import { ReceivingProcess } from '../helpers/receiving-process.js';
import { ShoreApplication } from '../helpers/shore-application.js';
import { queueFolder, SyncApplication } from '../helpers/sync-application.js';
import { until } from '../helpers/wait.js';

/** Keeps a session and what waits in it, whatever it is; the default is 1,000 messages. */
const GENEROUS = 'allow_anonymous true\nmax_queued_messages 0';

async function shipOn(url: string) {
  const ship = await SyncApplication.start({ brokerUrl: url, vesselId: 'mv-ship', queue: { store: 'memory' } });
  await ship.connected();
  return ship;
}

const changesOf = (count: number, keys: number) =>
  Array.from({ length: count }, (_, n) => ({
    entity: 'crew',
    operation: 'update' as const,
    key: `C-${n % keys}`,
    messageId: `m-${n}`,
    data: { n },
  }));

/** What the shore acknowledged of the changes; what vessels say of themselves is acknowledged at once. */
function pubacksTo({ log }: Mosquitto): number {
  const sent = log.matchAll(/Sending PUBLISH to arus_sync_shore_in \(d\d, q1, r\d, m(\d+), 'vessel\/sync\/crew'/g);
  const ids = new Set([...sent].map(([, id]) => id));
  const acknowledged = log.matchAll(/Received PUBACK from arus_sync_shore_in \(Mid: (\d+)/g);
  return [...acknowledged].filter(([, id]) => ids.has(id)).length;
}

describeWithMosquitto('a shore that is killed', () => {
  it('between the handler and the record, has the change again after the restart; Mosquitto saw no PUBACK for it', async () => {
    const broker = await Mosquitto.start({ config: GENEROUS });
    const options = { brokerUrl: broker.url, vesselId: 'shore', queue: { store: 'memory' as const } };
    const inbox = { dir: queueFolder() };
    const first = ReceivingProcess.start({ ...options, inbox }, { hangs: true });
    await first.has(() => first.lines.includes('subscribed'), 'the subscriptions');
    const ship = await shipOn(broker.url);
    await ship.publisher.publishMany(changesOf(1, 1));
    await first.has(() => first.said('effect').length === 1, 'the effect');
    await first.kill();
    expect(pubacksTo(broker)).toBe(0);
    const second = ReceivingProcess.start({ ...options, inbox });
    await second.has(() => second.said('recorded').length === 1, 'the change to come again');
    expect(second.said('effect')).toEqual(['m-0 C-0 1']);
    await until(() => pubacksTo(broker) === 1, { what: 'the PUBACK' });
  }, 240_000);

  it('again and again loses nothing, repeats nothing that it had recorded, and keeps the order of each key', async () => {
    const broker = await Mosquitto.start({ config: GENEROUS });
    const options = { brokerUrl: broker.url, vesselId: 'shore', queue: { store: 'memory' as const } };
    const inbox = { dir: queueFolder() };
    const count = 600;
    const lines: string[] = [];
    let receiving = ReceivingProcess.start({ ...options, inbox });
    await receiving.has(() => receiving.lines.includes('subscribed'), 'the subscriptions');
    const ship = await shipOn(broker.url);
    const published = (async () => {
      for (const change of changesOf(count, 5)) await ship.publisher.publishMany([change]);
    })();
    for (let kill = 0; kill < 3; kill++) {
      const enough = 20 + Math.floor(Math.random() * 60);
      await receiving.has(() => receiving.said('effect').length >= enough, `${enough} effects`);
      await receiving.kill();
      lines.push(...receiving.lines);
      receiving = ReceivingProcess.start({ ...options, inbox });
    }
    await published;
    const all = () => [...lines, ...receiving.lines];
    const effects = () => new Set(all().flatMap((line) => /^effect (\S+)/.exec(line)?.[1] ?? []));
    await receiving.has(() => effects().size === count, `${count} effects in all`);
    const recorded = new Set<string>();
    const happened = new Set<string>();
    const newest = new Map<string, number>();
    for (const line of all()) {
      const [kind, id, key, sequence] = line.split(' ') as [string, string, string, string];
      if (kind === 'recorded') recorded.add(id);
      if (kind !== 'effect') continue;
      expect(recorded.has(id), `${id} was recorded, and handled again`).toBe(false);
      if (happened.has(id)) continue;
      happened.add(id);
      expect(Number(sequence), `${id} came after a newer change of ${key}`).toBeGreaterThan(newest.get(key) ?? 0);
      newest.set(key, Number(sequence));
    }
    expect(recorded.size).toBeGreaterThan(0);
  }, 240_000);
});

describeWithMosquitto('a broker that is restarted', () => {
  it('finds the receiver subscribed again, and what it hands out again is not handled again', async () => {
    const handled: unknown[] = [];
    const broker = await Mosquitto.start();
    const shore = await ShoreApplication.create({ brokerUrl: broker.url, reconnectMaxS: 1 });
    shore.subscriber.subscribe('crew', (_data, { messageId }) => void handled.push(messageId));
    await shore.receive();
    await shore.subscribed();
    const ship = await SyncApplication.start({
      brokerUrl: broker.url,
      vesselId: 'mv-ship',
      reconnectMaxS: 1,
      queue: { store: 'memory' },
    });
    await ship.publisher.publish('crew', 'create', { id: 1 }, { messageId: 'm-1' });
    await until(() => handled.length === 1, { what: 'the first change' });
    await broker.restart();
    await until(() => /Sending SUBACK to arus_sync_shore_in/.test(broker.log), {
      what: 'the SUBACK',
      deadlineMs: 30_000,
    });
    await ship.publisher.publish('crew', 'create', { id: 2 }, { messageId: 'm-2' });
    await until(() => handled.length === 2, { what: 'the second change', deadlineMs: 30_000 });
    expect(handled).toEqual(['m-1', 'm-2']);
  });

  it('sends a retained copy to a new session, which is known and only acknowledged', async () => {
    const handled: unknown[] = [];
    const broker = await Mosquitto.start({
      config: (folder) => `${GENEROUS}\npersistence true\npersistence_location ${folder}/`,
    });
    const shore = await ShoreApplication.create({ brokerUrl: broker.url, reconnectMaxS: 1, protocol: '3.1.1' });
    shore.subscriber.subscribe('crew', (_data, { messageId }) => void handled.push(messageId));
    await shore.receive();
    await shore.subscribed();
    const ship = await shipOn(broker.url);
    await ship.publisher.publish('crew', 'create', { id: 1 }, { messageId: 'm-1' });
    await until(() => shore.status.statistics.changesHandled === 1, { what: 'the change' });
    await shore.close();
    const again = await ShoreApplication.create({ brokerUrl: broker.url, vesselId: 'shore-b', protocol: '3.1.1' });
    again.subscriber.subscribe('crew', (_data, { retained }) => void handled.push(retained));
    await again.receive();
    await until(() => handled.length === 2, { what: 'the retained copy at a new shore' });
    expect(handled).toEqual(['m-1', true]);
    again.subscriber.subscribe('+', () => {});
    await until(() => again.status.statistics.changesRepeated > 0, { what: 'the retained copy once more' });
    expect(handled).toHaveLength(2);
  });
});

describeWithMosquitto('instances of one share group', () => {
  it('share the changes, with nothing lost or handled twice', async () => {
    const handled: [instance: string, messageId: string | undefined][] = [];
    const broker = await Mosquitto.start({ config: GENEROUS });
    for (const vesselId of ['shore-1', 'shore-2']) {
      const shore = await ShoreApplication.create({
        brokerUrl: broker.url,
        vesselId,
        incoming: { shareGroup: 'shore' },
      });
      shore.subscriber.subscribe('crew', async (_data, { messageId }) => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        handled.push([vesselId, messageId]);
      });
      await shore.receive();
      await shore.subscribed();
    }
    const ship = await shipOn(broker.url);
    await ship.publisher.publishMany(changesOf(300, 50));
    await until(() => handled.length >= 300, { what: () => `300 changes; ${handled.length} came`, deadlineMs: 40_000 });
    expect(new Set(handled.map(([, messageId]) => messageId)).size).toBe(300);
    expect(handled).toHaveLength(300);
    for (const instance of ['shore-1', 'shore-2'])
      expect(handled.filter(([by]) => by === instance).length).toBeGreaterThan(50);
  });
});

const PLUGINS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib'];
const dynamicSecurity = PLUGINS.map((folder) => join(folder, 'mosquitto_dynamic_security.so')).find((path) =>
  existsSync(path),
);

describeWith({ mosquitto: findMosquitto(), 'mosquitto_dynamic_security.so': dynamicSecurity }, 'an ACL', () => {
  it('that forbids a subscription is shown in the health document, and the others work', async () => {
    const rules = {
      defaultACLAccess: { publishClientSend: true, publishClientReceive: true, subscribe: true, unsubscribe: true },
      anonymousGroup: 'everybody',
      clients: [],
      groups: [{ groupname: 'everybody', roles: [{ rolename: 'no-crew' }], clients: [] }],
      roles: [
        {
          rolename: 'no-crew',
          acls: [{ acltype: 'subscribeLiteral', topic: 'vessel/sync/crew', priority: 0, allow: false }],
        },
      ],
    };
    const broker = await Mosquitto.start({
      config: (folder) => {
        const file = join(folder, 'dynamic-security.json');
        writeFileSync(file, JSON.stringify(rules));
        return `allow_anonymous true\nplugin ${dynamicSecurity}\nplugin_opt_config_file ${file}`;
      },
    });
    const handled: unknown[] = [];
    const shore = await ShoreApplication.create({ brokerUrl: broker.url });
    shore.subscriber.subscribe('crew', () => {});
    shore.subscriber.subscribe('alerts', (data) => void handled.push(data));
    await shore.receive();
    await shore.subscribed(3);
    expect(shore.status.receiver.refusedSubscriptions).toEqual([
      { filter: 'vessel/sync/crew', reason: 'Not authorized (0x87)' },
    ]);
    expect(shore.status.reasons).toContain('subscription_refused');
    await (await shipOn(broker.url)).publisher.publish('alerts', 'create', { id: 'A-1' });
    await until(() => handled.length === 1, { what: 'the alert' });
  });
});
