import { FakeClock } from '../../src/mqtt-sync/time/fake-clock.js';
import type { OutgoingPublish } from '../../src/mqtt-sync/connection/link.js';
import { connectionTo, type RecordedConnection, type RecordedConnectionOptions } from './connection.js';
import { type BrokerScript, ScriptedBroker } from './scripted-broker.js';
import { until } from './wait.js';

/** A QoS 1 message to send or to vary. */
export const MESSAGE: OutgoingPublish = {
  topic: 'vessel/sync/crew',
  payload: Buffer.from('{}'),
  qos: 1,
  retain: false,
  dup: false,
  packetId: 1,
};

/** Longer than any backoff. */
const GIVE_UP_AFTER_MS = 200_000;

/** A connection manager on a fake clock, and the broker that it talks to over a real socket. */
export interface ConnectionScene {
  readonly broker: ScriptedBroker;
  readonly clock: FakeClock;
  readonly connection: RecordedConnection;
  /** Lets the backoff pass, and not more; resolves with how long it took, to 10 ms. */
  readonly retry: () => Promise<number>;
}

/** Sets the scene; jitter is at its longest unless `random` says otherwise. */
export async function connectionScene(
  script: BrokerScript = {},
  options: RecordedConnectionOptions = {},
  reach: (broker: ScriptedBroker) => string | Promise<string> = ({ url }) => url,
): Promise<ConnectionScene> {
  const broker = await ScriptedBroker.start(script);
  const clock = new FakeClock();
  const connection = connectionTo({ brokerUrl: await reach(broker), clock, random: () => 1, ...options });
  const { manager } = connection;
  const retry = async (): Promise<number> => {
    await until(() => manager.state === 'waiting', { what: () => `waiting; the state is ${manager.state}` });
    let waitedMs = 0;
    while (manager.state === 'waiting' && waitedMs < GIVE_UP_AFTER_MS) {
      clock.advance(10);
      waitedMs += 10;
    }
    return waitedMs;
  };
  return { broker, clock, connection, retry };
}
