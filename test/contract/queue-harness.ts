import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { SyncLogger } from '../../src/mqtt-sync/logger.js';
import { DiskQueue } from '../../src/mqtt-sync/queue/disk-queue.js';
import { MemoryQueue } from '../../src/mqtt-sync/queue/memory-queue.js';
import type { MessageDraft, QueuedMessage } from '../../src/mqtt-sync/queue/message.js';
import type { QueueLimits } from '../../src/mqtt-sync/queue/room-maker.js';
import type { DeadLetter, QueueObserver, SyncQueue } from '../../src/mqtt-sync/queue/sync-queue.js';
import type { Clock } from '../../src/mqtt-sync/time/clock.js';
import { FakeClock } from '../../src/mqtt-sync/time/fake-clock.js';
import { DraftEnvelope } from '../../src/mqtt-sync/wire/envelope.js';

export const VESSEL = { vesselId: 'mv-test', isExplicit: true };

export const LIMITS: QueueLimits = {
  maxMessages: 1000,
  maxBytes: 1_000_000,
  overflowPolicy: 'drop-oldest',
  maxDeadLetters: 10,
};

/** Writes down what a queue tells. */
export class RecordingObserver implements QueueObserver {
  readonly droppedIds: string[] = [];
  readonly dropReasons: string[] = [];
  readonly letters: DeadLetter[] = [];
  /** Sequences of the letters that are gone for good, each with why. */
  readonly discards: [sequence: number, reason: string][] = [];
  readonly retriedIds: string[] = [];
  /** What a damaged store has lost, by entity type. */
  readonly missed: [entity: string, count: number][] = [];
  readonly availabilities: boolean[] = [];
  readonly leftPositions: number[] = [];
  /** The same messages, by the positions they were accepted at. */
  readonly leftAcceptedAt: number[] = [];
  commits = 0;

  dropped(message: QueuedMessage, reason: string): void {
    this.droppedIds.push(message.messageId);
    this.dropReasons.push(reason);
  }

  deadLettered(letter: DeadLetter): void {
    this.letters.push(letter);
  }

  discarded({ sequence }: DeadLetter, reason: string): void {
    this.discards.push([sequence, reason]);
  }

  retried(message: QueuedMessage): void {
    this.retriedIds.push(message.messageId);
  }

  missing(entity: string, count: number): void {
    this.missed.push([entity, count]);
  }

  availability(available: boolean): void {
    this.availabilities.push(available);
  }

  committed(): void {
    this.commits++;
  }

  left(position: number, acceptedAt: number): void {
    this.leftPositions.push(position);
    this.leftAcceptedAt.push(acceptedAt);
  }
}

/** Writes down what is logged. */
export class RecordingLogger implements SyncLogger {
  readonly warnings: string[] = [];
  readonly errors: string[] = [];

  debug(): void {}
  log(): void {}
  warn(message: string): void {
    this.warnings.push(message);
  }
  error(message: string): void {
    this.errors.push(message);
  }
}

export interface TestQueue {
  readonly queue: SyncQueue;
  readonly observer: RecordingObserver;
  readonly logger: RecordingLogger;
  readonly clock: FakeClock;
}

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sync-queue-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export type MakeQueue = (limits: QueueLimits, clock: Clock, logger: SyncLogger) => SyncQueue;

/** A queue with what watches it, not yet open; closed when the test is over. */
export function watch(make: MakeQueue, limits: Partial<QueueLimits> = {}, clock = new FakeClock()): TestQueue {
  const observer = new RecordingObserver();
  const logger = new RecordingLogger();
  const queue = make({ ...LIMITS, ...limits }, clock, logger);
  queue.observe(observer);
  onTestFinished(() => queue.close());
  return { queue, observer, logger, clock };
}

export const inMemory: MakeQueue = (limits, clock, logger) => new MemoryQueue(limits, clock, logger);

export function onDisk(dir: string): MakeQueue {
  return (limits, clock, logger) => new DiskQueue({ ...limits, dir }, clock, logger);
}

/** An open disk queue on a folder. */
export async function openOnDisk(
  dir: string,
  limits: Partial<QueueLimits> = {},
  clock?: FakeClock,
): Promise<TestQueue> {
  const watched = watch(onDisk(dir), limits, clock);
  await watched.queue.open(VESSEL);
  return watched;
}

let drafts = 0;

export function draft(
  entity: string,
  change: Partial<MessageDraft> & { readonly dataJson?: string } = {},
): MessageDraft {
  const { dataJson = '{"a":1}', ...fields } = { key: 'k', ...change };
  const { key, messageId = `m${++drafts}` } = fields;
  const timestamp = new Date(0).toISOString();
  const operation = 'update' as const;
  const envelope = new DraftEnvelope({ entity, operation, key, messageId, vesselId: 'v', timestamp, dataJson });
  return {
    ...{ entity, operation, messageId, envelope, topic: `vessel/sync/${entity}`, qos: 1, retain: true },
    ...{ acceptedAtMs: 1000, lane: 'normal', idIsGiven: false },
    ...fields,
  };
}

export const anyType = () => true;

/** Takes everything that waits in a lane. */
export function takeAll(queue: SyncQueue, lane: 'critical' | 'normal' | 'bulk' = 'normal'): QueuedMessage[] {
  const taken: QueuedMessage[] = [];
  for (let message = queue.take(lane, anyType); message; message = queue.take(lane, anyType)) {
    taken.push(message);
  }
  return taken;
}

export function take(queue: SyncQueue, lane: 'critical' | 'normal' | 'bulk' = 'normal'): QueuedMessage {
  const message = queue.take(lane, anyType);
  if (!message) throw new Error('nothing waits');
  return message;
}

export function idsOf(messages: readonly { readonly messageId: string }[]): string[] {
  return messages.map(({ messageId }) => messageId);
}

/** Random numbers that a seed repeats (mulberry32). */
export function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
