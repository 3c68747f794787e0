import type { Lane } from '../wire/lanes.js';
import { type GapReason, type SequenceRange, SequenceRanges } from '../wire/sequence-ranges.js';
import { type EntityStream, subtract, type Volume } from './entity-stream.js';
import type { DeliveredMessage, KeyedMessage, MessageKey, StoreCommit, StoredDeadLetter } from './message-store.js';
import type { AcceptedMessage, QueuedMessage } from './message.js';
import type { AcceptCall, Departure, LetterCall, PurgeCall } from './pending-work.js';
import type { DeadLetter, DiscardReason } from './sync-queue.js';

/** What a commit changes of one entity type. */
export class StreamChange {
  sequence: number;
  lastPosition: number;
  lane: Lane;
  readonly stored: Volume;
  readonly added: KeyedMessage[] = [];
  readonly victims: QueuedMessage[] = [];
  readonly losses: (readonly [sequence: number, reason: GapReason])[] = [];
  gapsAreStale = false;

  constructor(readonly stream: EntityStream) {
    this.sequence = stream.sequence;
    this.lastPosition = stream.lastPosition;
    this.lane = stream.lane;
    this.stored = { ...stream.stored };
  }

  /** The gaps as they are after the commit. */
  gaps(): readonly SequenceRange[] {
    const ranges = new SequenceRanges(this.stream.gaps.toArray());
    for (const [sequence, reason] of this.losses) ranges.add(sequence, reason);
    return ranges.toArray();
  }
}

/** One commit in the making: what will be true when it is stored, and nothing of that before. */
export class CommitPlan {
  readonly calls: { readonly call: AcceptCall; readonly accepted: readonly AcceptedMessage[] }[] = [];
  readonly letterCalls: { readonly call: LetterCall; readonly found: boolean }[] = [];
  readonly purgeCalls: { readonly call: PurgeCall; readonly count: number }[] = [];
  readonly changes = new Map<EntityStream, StreamChange>();
  readonly newStreams = new Map<string, EntityStream>();
  readonly departures: Departure[] = [];
  readonly deadLetters: StoredDeadLetter[] = [];
  readonly removedDeadLetters: MessageKey[] = [];
  /** Those of the removed dead letters that are gone for good. */
  readonly discarded: { readonly letter: DeadLetter; readonly reason: DiscardReason }[] = [];
  /** Dead letters that come back, as the messages that they are again. */
  readonly retried: { readonly stream: EntityStream; readonly from: number; readonly message: QueuedMessage }[] = [];
  readonly acceptedIds = new Map<string, AcceptedMessage>();
  /** Those of the victims that go by hand, and not to make room. */
  readonly purged = new Set<QueuedMessage>();
  /** Messages and bytes that come, and those that are dropped. */
  readonly coming: Volume = { messages: 0, bytes: 0 };
  readonly going: Volume = { messages: 0, bytes: 0 };

  constructor(public nextPosition: number) {}

  get isEmpty(): boolean {
    const calls = this.calls.length + this.letterCalls.length + this.purgeCalls.length;
    return calls === 0 && this.writesNothing;
  }

  /** Whether there is nothing to store, as when every call was a repeat. */
  get writesNothing(): boolean {
    return this.changes.size === 0 && this.deadLetters.length === 0 && this.removedDeadLetters.length === 0;
  }

  change(stream: EntityStream): StreamChange {
    let change = this.changes.get(stream);
    if (!change) this.changes.set(stream, (change = new StreamChange(stream)));
    return change;
  }

  /** A message that is now stored; its sequence is the newest, unless it is a dead letter that comes back. */
  add(stream: EntityStream, message: QueuedMessage): void {
    const { position, sequence, payload, lane } = message;
    const change = this.change(stream);
    change.added.push({ key: { type: stream.number, position, sequence }, message });
    change.sequence = Math.max(change.sequence, sequence);
    change.lastPosition = position;
    change.lane = lane;
    grow(change.stored, payload.length);
    grow(this.coming, payload.length);
    this.nextPosition = position + 1;
  }

  /** A message that goes: to make room, or by hand. */
  drop(stream: EntityStream, message: QueuedMessage): void {
    const change = this.change(stream);
    change.victims.push(message);
    change.losses.push([message.sequence, 'dropped']);
    subtract(change.stored, 1, message.payload.length);
    grow(this.going, message.payload.length);
  }

  depart(departure: Departure): void {
    const { stream, key, bytes, letter, raw } = departure;
    const change = this.change(stream);
    subtract(change.stored, 1, bytes);
    this.departures.push(departure);
    if (!letter) return;
    this.deadLetters.push({ key, letter, raw });
    // The other side is told at once: nothing readable is left that could still be sent.
    if (raw) change.losses.push([key.sequence, 'corrupt']);
  }

  toCommit(): StoreCommit {
    const changes = [...this.changes.values()];
    const removed: MessageKey[] = [];
    const delivered: DeliveredMessage[] = [];
    // As many as there are deliveries a second; `flatMap()` takes three times as long.
    for (const { stream, key, delivered: message } of this.departures) {
      removed.push(key);
      if (!message) continue;
      const { sequence, acceptedAtMs, payload } = message;
      delivered.push({ type: stream.number, sequence, acceptedAtMs, payload });
    }
    for (const { stream, victims } of changes) {
      for (const { position, sequence } of victims) removed.push({ type: stream.number, position, sequence });
    }
    return {
      messages: changes.length === 1 ? changes[0]!.added : changes.flatMap(({ added }) => added),
      removed,
      delivered,
      types: changes.map(({ stream: { entity, number }, sequence, lastPosition, lane, stored }) => ({
        ...{ entity, number, sequence, lastPosition, lane },
        ...stored,
      })),
      gaps: new Map(
        changes
          .filter(({ losses, gapsAreStale }) => losses.length > 0 || gapsAreStale)
          .map((change) => [change.stream.entity, change.gaps()]),
      ),
      deadLetters: this.deadLetters,
      removedDeadLetters: this.removedDeadLetters,
      acceptedIds: [...this.acceptedIds.values()],
    };
  }
}

function grow(volume: Volume, bytes: number): void {
  volume.messages++;
  volume.bytes += bytes;
}
