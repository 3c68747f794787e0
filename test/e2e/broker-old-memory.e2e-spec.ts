import { connectAsync } from 'mqtt';
import { expect, it } from 'vitest';
import { Asker } from '../helpers/asker.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { ShoreApplication } from '../helpers/shore-application.js';
import { queueFolder, SyncApplication } from '../helpers/sync-application.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';

/** Writes its memory to disk when it ends in order, and at no other time that a test would live to see. */
const persistent = (folder: string) => `allow_anonymous true\npersistence true\npersistence_location ${folder}/`;

/** A broker whose file has a session of a client, from before that client subscribed to anything: a kill brings it back. */
async function brokerThatRemembers(clientId: string): Promise<Mosquitto> {
  const broker = await Mosquitto.start({ config: persistent });
  const properties = { sessionExpiryInterval: 3600 };
  const client = await connectAsync(broker.url, { clientId, protocolVersion: 5, clean: false, properties });
  await client.endAsync();
  await broker.stop();
  await broker.restart();
  return broker;
}

async function shipOn(brokerUrl: string) {
  const ship = await SyncApplication.start({ brokerUrl, reconnectMaxS: 1, queue: { dir: queueFolder() } });
  await ship.connected();
  const publish = async (n: number) => {
    await ship.publisher.publish('crew', 'update', { n }, { key: 'C-1' });
    await ship.drained();
  };
  return { ship, publish };
}

async function shoreOn(brokerUrl: string) {
  const shore = await ShoreApplication.create({ brokerUrl, reconnectMaxS: 1, incoming: { catchUp: 'manual' } });
  const handled: number[] = [];
  shore.subscriber.subscribe<{ n: number }>('crew', ({ n }) => void handled.push(n));
  const connections = shore.recorded('receiver_connected');
  await shore.receive();
  await shore.subscribed(3);
  const has = (...expected: number[]) =>
    until(() => handled.length >= expected.length, { what: () => `${expected.join()}; there are ${handled.join()}` });
  return { shore, handled, has, connections };
}

const RECEIVER = 'arus_sync_shore_in';
const SHIP = 'arus_sync_mv-test';

/** Waits until the broker, in its present life, has granted a client what it asks for. */
async function subscribed(broker: Mosquitto, clientId: string, times = 1): Promise<void> {
  const granted = () => broker.log.split(`Sending SUBACK to ${clientId}`).length - 1;
  await until(() => granted() >= times, { what: `SUBACK number ${times}` });
}

describeWithMosquitto('A broker that is killed, and resumes a session from before the SUBSCRIBE,', () => {
  it('passes on what is published after that: the receiver subscribes again', async () => {
    const broker = await brokerThatRemembers(RECEIVER);
    const { handled, has, connections } = await shoreOn(broker.url);
    const { publish } = await shipOn(broker.url);
    await publish(1);
    await has(1);
    await broker.restart();
    await subscribed(broker, RECEIVER);
    await publish(2);
    await has(1, 2);
    expect(handled).toEqual([1, 2]);
    // The broker says that it remembers, both times; else nothing of this would be the receiver's merit.
    expect(connections.map(({ sessionPresent }) => sessionPresent)).toEqual([true, true]);
  });

  it('passes on requests for catch-up: the ship subscribes again', async () => {
    const broker = await brokerThatRemembers(SHIP);
    const { ship, publish } = await shipOn(broker.url);
    const sessions: boolean[] = [];
    ship.events.on('connected', ({ sessionPresent }) => sessions.push(sessionPresent));
    await publish(1);
    await until(() => ship.status.requestSubscriptions.every(({ state }) => state === 'granted'), {
      what: 'the subscription to requests',
    });
    await broker.restart();
    await until(() => sessions.length === 1, { what: 'the ship to be back' });
    await publish(2);
    await publish(3);
    await subscribed(broker, SHIP);
    const asker = await Asker.at(broker.url);
    const { answered } = await asker.answered(await asker.ask('crew', { sinceSequence: 1 }));
    expect(answered).toMatchObject({ total: 2, upTo: 3 });
    expect(sessions).toEqual([true]);
  });
});

describeWithMosquitto('A broker that resumes a session as it was', () => {
  it('is asked for the subscriptions again, and sends nothing retained for the second time', async () => {
    const broker = await Mosquitto.start();
    const link = await TcpProxy.start(broker.port);
    const { shore, handled, has, connections } = await shoreOn(link.url);
    const { publish } = await shipOn(broker.url);
    await publish(1);
    await has(1);
    // What it has not acknowledged would come again whatever it subscribes to.
    await until(() => /Received PUBACK from arus_sync_shore_in/.test(broker.log), { what: 'the PUBACK' });
    link.cut();
    await subscribed(broker, RECEIVER, 2);
    await publish(2);
    await has(1, 2);
    expect(handled).toEqual([1, 2]);
    expect(shore.status.statistics.changesRepeated).toBe(0);
    expect(connections.map(({ sessionPresent }) => sessionPresent)).toEqual([false, true]);
  });
});
