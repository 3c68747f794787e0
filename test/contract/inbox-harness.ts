import { onTestFinished } from 'vitest';
import type { SyncLogger } from '../../src/mqtt-sync/logger.js';
import type {
  ChangeIdentity,
  Inbox,
  InboxObserver,
  ParkedDraft,
  ParkedMessage,
  Range,
} from '../../src/mqtt-sync/subscriber/inbox/inbox.js';
import { LmdbInbox } from '../../src/mqtt-sync/subscriber/inbox/lmdb-inbox.js';
import { MemoryInbox } from '../../src/mqtt-sync/subscriber/inbox/memory-inbox.js';
import type { InboxLimits } from '../../src/mqtt-sync/subscriber/inbox/inbox-limits.js';
import type { Clock } from '../../src/mqtt-sync/time/clock.js';
import { FakeClock } from '../../src/mqtt-sync/time/fake-clock.js';
import type { StreamId } from '../../src/mqtt-sync/wire/incoming-change.js';
import type { SequenceRange } from '../../src/mqtt-sync/wire/sequence-ranges.js';
import { RecordingLogger } from './queue-harness.js';

export const CREW: StreamId = { vesselId: 'mv-aurora', epoch: 7, entity: 'crew' };

export const INBOX_LIMITS: InboxLimits = {
  maxIds: 1000,
  maxAgeS: 1000,
  maxParked: 10,
  maxParkedBytes: 100_000,
  catchUpFrom: 'first_seen',
};

/** Writes down what an inbox tells. */
export class RecordingInboxObserver implements InboxObserver {
  readonly missingRanges: Range[] = [];
  readonly lostRanges: SequenceRange[] = [];
  readonly discarded: ParkedMessage[] = [];

  missing(_stream: StreamId, range: Range): void {
    this.missingRanges.push(range);
  }

  lost(_stream: StreamId, ranges: readonly SequenceRange[]): void {
    this.lostRanges.push(...ranges);
  }

  parkedDiscarded(message: ParkedMessage): void {
    this.discarded.push(message);
  }
}

export type MakeInbox = (limits: InboxLimits, clock: Clock, logger: SyncLogger) => Inbox;

export const memoryInbox: MakeInbox = (limits, clock, logger) => new MemoryInbox(limits, clock, logger);

export function inboxOnDisk(dir: string): MakeInbox {
  return (limits, clock, logger) => new LmdbInbox({ ...limits, dir }, clock, logger);
}

export interface TestInbox {
  readonly inbox: Inbox;
  readonly observer: RecordingInboxObserver;
  readonly logger: RecordingLogger;
  readonly clock: FakeClock;
}

/** An open inbox with what watches it; closed when the test is over. */
export async function openInbox(
  make: MakeInbox,
  limits: Partial<InboxLimits> = {},
  clock = new FakeClock(),
): Promise<TestInbox> {
  const observer = new RecordingInboxObserver();
  const logger = new RecordingLogger();
  const inbox = make({ ...INBOX_LIMITS, ...limits }, clock, logger);
  inbox.observe(observer);
  onTestFinished(() => inbox.close());
  await inbox.open();
  return { inbox, observer, logger, clock };
}

/** A change of the crew of the same ship, live, with an id of its own for each sequence, unless said otherwise. */
export function change(sequence: number | undefined, fields: Partial<ChangeIdentity> = {}): ChangeIdentity {
  const messageId = `${fields.vesselId ?? CREW.vesselId} ${fields.epoch ?? CREW.epoch} ${fields.entity ?? ''} ${sequence}`;
  return { ...CREW, sequence, messageId, key: 'k', retained: false, replayed: false, ...fields };
}

export function parkedDraft(identity: ChangeIdentity | undefined, payload = 'payload'): ParkedDraft {
  return {
    ...{ identity, topic: 'vessel/sync/crew', payload: Buffer.from(payload), qos: 1, retained: false },
    ...{ reason: identity ? 'handler_failed' : 'not_parsable', error: 'the database is closed', attempts: 3 },
  };
}

export async function recordAll(inbox: Inbox, sequences: readonly number[], fields: Partial<ChangeIdentity> = {}) {
  await Promise.all(sequences.map((sequence) => inbox.recordHandled(change(sequence, fields))));
}

export function lossOf(from: number, to: number): SequenceRange {
  return { from, to, reason: 'dropped' };
}
