import { onTestFinished } from 'vitest';
import type { MqttSyncOptions } from '../../../src/mqtt-sync/mqtt-sync.options.js';
import type { SyncPublisher } from '../../../src/mqtt-sync/publisher/sync-publisher.service.js';
import { systemClock } from '../../../src/mqtt-sync/time/clock.js';
import type { Qos } from '../../../src/mqtt-sync/wire/entity-policies.js';
import { queueFolder, SyncApplication } from '../../helpers/sync-application.js';
import { until } from '../../helpers/wait.js';
import type { Oracle } from '../oracle/oracle.js';
import { scale } from '../scale.js';
import { statisticsOf } from '../ship/crew.js';

/** An application in this process with room for every message; what it sets aside is told to the oracle. */
export async function faultApplication(oracle: Oracle, options: MqttSyncOptions): Promise<SyncApplication> {
  const application = await SyncApplication.start({
    vesselId: 'mv-fault',
    reconnectMaxS: 1,
    // A receiver that lost much with its broker has it again in seconds.
    catchUp: { maxPerSecond: 1000 },
    ...options,
    queue: { dir: queueFolder(), maxMessages: 1_000_000, maxBytes: 4e9, ...options.queue },
  });
  application.events.on('message_dead_lettered', ({ messageId = '', reason }) =>
    oracle.deadLettered(messageId, reason),
  );
  return application;
}

/** Waits until the queue is empty and everything is accounted for, and compares the counters. */
export async function delivered(application: SyncApplication, oracle: Oracle, deadlineMs = 60_000): Promise<void> {
  await application.drained(deadlineMs);
  await until(() => oracle.isSettled, { what: () => `all on shore; missing: ${oracle.missing().join(', ')}` });
  oracle.counters(statisticsOf(application));
}

/**
 * A publisher that sends everything with one QoS, whatever the change asks for; or with 1 and 2 in turn, so that every key
 * mixes an order that MQTT itself does not keep.
 */
export function withQos(publisher: SyncPublisher, qos: Qos | 'mixed'): Pick<SyncPublisher, 'publish' | 'publishMany'> {
  let calls = 0;
  // In runs of 50: some messages of a key share their QoS, and the next ones do not.
  const next = (): Qos => (qos === 'mixed' ? (Math.floor(calls++ / 50) % 2 === 0 ? 1 : 2) : qos);
  return {
    publish: (entity, operation, data, options) =>
      publisher.publish(entity, operation, data, { ...options, qos: next() }),
    publishMany: (changes) => publisher.publishMany(changes.map((change) => ({ ...change, qos: next() }))),
  };
}

/**
 * Divides the product's own waits (acknowledgement timer, backoff, connect timeout) like the times of the real world, so
 * that both stay in proportion in the short form. In the long form nothing changes. Until the end of the test.
 */
export function scaleTimers(): void {
  const after = systemClock.after.bind(systemClock);
  systemClock.after = (delayMs, callback, keepsAlive) => after(delayMs / scale.hurry, callback, keepsAlive);
  onTestFinished(() => void (systemClock.after = after));
}

/** Also lets the monotonic clock run as fast, for what waits and then looks how much time has passed. */
export function scaleClock(): void {
  scaleTimers();
  const monotonicMs = systemClock.monotonicMs.bind(systemClock);
  systemClock.monotonicMs = () => monotonicMs() * scale.hurry;
  onTestFinished(() => void (systemClock.monotonicMs = monotonicMs));
}

/** A small repeatable random source (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
