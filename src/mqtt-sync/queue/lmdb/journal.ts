import type { Clock } from '../../time/clock.js';
import type { DeliveredMessage, ReadLimits } from '../message-store.js';
import { type Databases, storedBytes } from './databases.js';
import type { SegmentKey } from './keys.js';
import { PatientClock } from './patient-clock.js';
import { peekHeader, seal, unseal } from '../../store/sealed-records.js';

/** How much of what was delivered is kept. */
export interface JournalLimits {
  /** Seconds since the delivery, by the wall clock. */
  readonly maxAgeS: number;
  /** Bytes on disk; 0: nothing is kept. */
  readonly maxBytes: number;
}

/**
 * Messages that are written as one record: a record costs about as much to put as copying this much, and one of several
 * pages wastes little of its last one.
 */
const SEGMENT_BYTES = 16 * 1024;
/** To ask LMDB what a database takes costs as much as storing a hundred messages; between two looks it is estimated. */
const COMMITS_BETWEEN_LOOKS = 200;
/** Segments that one commit forgets at most, so that none takes long; many more than one brings. */
const MAX_PRUNED = 1024;
/** What a segment takes beside its payloads, about. */
const HEADER_BYTES = 44;
const BYTES_PER_LENGTH = 4;

/**
 * When it was delivered, when its first message was accepted, and the length of each payload in the body. A dead letter that
 * got through later has the time of what lies behind it: so the times of a type rise with its sequences, and the first
 * segment is its oldest.
 */
type SegmentHeader = readonly [deliveredAtMs: number, acceptedAtMs: number, lengths: readonly number[]];

/** The oldest segment of an entity type. */
interface Head {
  readonly first: number;
  readonly deliveredAtMs: number;
  readonly bytes: number;
}

interface Segment {
  readonly key: SegmentKey;
  readonly deliveredAtMs: number;
  readonly value: Buffer;
}

/** What a commit does to the journal (the promise of its batch tells whether it held), and `taken()` for then. */
export interface JournalWrites {
  readonly write: () => void;
  readonly taken: () => void;
}

interface Pruning {
  readonly heads: Map<number, Head>;
  readonly pruned: readonly SegmentKey[];
  readonly freed: number;
}

/**
 * Keeps what was delivered, for whoever missed it, in segments: messages of one entity type whose sequences follow each
 * other without a hole, so that segments never overlap. The oldest go when they are too old, or all take up too much.
 */
export class Journal {
  private heads = new Map<number, Head>();
  private estimatedBytes = 0;
  private commitsToLook = 0;
  private readonly patientClock: PatientClock;

  constructor(
    private readonly databases: Pick<Databases, 'journal'>,
    private readonly limits: JournalLimits,
    private readonly clock: Clock,
    types: readonly number[],
  ) {
    for (const type of types) {
      const head = this.headAfter(type, 0);
      if (head) this.heads.set(type, head);
    }
    this.patientClock = new PatientClock(clock);
  }

  /** Bytes on disk. */
  get bytes(): number {
    return storedBytes(this.databases.journal);
  }

  /** Wall clock of the oldest delivery that is kept, in milliseconds since 1970. */
  get oldestAtMs(): number | undefined {
    return oldestOf(this.heads)?.[1].deliveredAtMs;
  }

  /** What a commit writes to keep these; nothing is written before all is encoded. */
  prepare(delivered: readonly DeliveredMessage[]): JournalWrites {
    const { journal } = this.databases;
    const { maxAgeS, maxBytes } = this.limits;
    const runs = maxBytes === 0 ? [] : segmentsOf(delivered);
    const bytes = runs.reduce((sum, run) => sum + sizeOf(run), this.look());
    const { heads, pruned, freed } = this.prune(bytes - maxBytes, this.patientClock.wallMs() - maxAgeS * 1000);
    const nowMs = this.clock.wallMs();
    const segments = runs.map((run) => this.segmentOf(run, nowMs, heads));
    return {
      write: () => {
        for (const key of pruned) void journal.remove(key);
        for (const { key, value } of segments) void journal.put(key, value);
      },
      taken: () => {
        this.heads = heads;
        this.estimatedBytes = bytes - freed;
        for (const { key, deliveredAtMs, value } of segments) {
          const [type, first] = key;
          const head = heads.get(type);
          if (!head || first < head.first) heads.set(type, { first, deliveredAtMs, bytes: value.length });
        }
      },
    };
  }

  /** What a commit writes to give back so many bytes, of the oldest; undefined when nothing is kept. */
  shrink(bytes: number): JournalWrites | undefined {
    const { heads, pruned } = this.prune(bytes, 0);
    if (pruned.length === 0) return undefined;
    return {
      write: () => {
        for (const key of pruned) void this.databases.journal.remove(key);
      },
      taken: () => (this.heads = heads),
    };
  }

  /** Messages of one entity type from one sequence to another, both included, in order. */
  read(type: number, from: number, to: number, limits: ReadLimits): DeliveredMessage[] {
    const found: DeliveredMessage[] = [];
    let bytes = 0;
    const start = this.segmentAt(type, from)?.key ?? [type, from];
    for (const { key, value } of this.databases.journal.getRange({ start, end: [type, to + 1] })) {
      for (const message of decode(key, value)) {
        if (message.sequence < from || message.sequence > to) continue;
        if (found.length === limits.records || bytes >= limits.bytes) return found;
        found.push(message);
        bytes += message.payload.length;
      }
    }
    return found;
  }

  /** A sequence before which nothing was accepted since `timeMs`, as far as the journal reaches back. */
  sequenceSince(type: number, timeMs: number, newest: number): number {
    let low = this.heads.get(type)?.first ?? newest + 1;
    let high = newest;
    // The last segment whose first message is older; a few before the time are in it, too.
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const segment = this.segmentAt(type, middle);
      if (segment && (headerOf(segment.value)?.[1] ?? 0) < timeMs) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private segmentAt(type: number, sequence: number): { readonly key: SegmentKey; readonly value: Buffer } | undefined {
    const range = { start: [type, sequence] as SegmentKey, end: [type, 0] as SegmentKey, reverse: true, limit: 1 };
    return [...this.databases.journal.getRange(range)][0];
  }

  /** The first segment of a type behind a sequence. */
  private headAfter(type: number, sequence: number): Head | undefined {
    const range = { start: [type, sequence + 1] as SegmentKey, end: [type + 1, 0] as SegmentKey, limit: 1 };
    const [found] = [...this.databases.journal.getRange(range)];
    if (!found) return undefined;
    // One that is damaged is of no use to anybody.
    const deliveredAtMs = headerOf(found.value)?.[0] ?? 0;
    return { first: found.key[1], deliveredAtMs, bytes: found.value.length };
  }

  /** @param heads of what is kept. */
  private segmentOf(run: readonly DeliveredMessage[], nowMs: number, heads: ReadonlyMap<number, Head>): Segment {
    const key = keyOf(run);
    const [type, first] = key;
    const head = heads.get(type);
    const behind = head && first > head.first ? this.headAfter(type, first) : head;
    // One that is damaged has no time.
    const deliveredAtMs = Math.min(nowMs, behind?.deliveredAtMs || nowMs);
    return { key, deliveredAtMs, value: encode(run, deliveredAtMs) };
  }

  private look(): number {
    if (this.commitsToLook-- > 0) return this.estimatedBytes;
    this.commitsToLook = COMMITS_BETWEEN_LOOKS;
    return this.bytes;
  }

  private prune(excess: number, olderThanMs: number): Pruning {
    const heads = new Map(this.heads);
    const pruned: SegmentKey[] = [];
    let freed = 0;
    for (let oldest = oldestOf(heads); oldest && pruned.length < MAX_PRUNED; oldest = oldestOf(heads)) {
      const [type, { first, deliveredAtMs, bytes }] = oldest;
      if (freed >= excess && deliveredAtMs >= olderThanMs) break;
      pruned.push([type, first]);
      freed += bytes;
      heads.delete(type);
      const next = this.headAfter(type, first);
      if (next) heads.set(type, next);
    }
    return { heads, pruned, freed };
  }
}

function oldestOf(heads: ReadonlyMap<number, Head>): readonly [type: number, Head] | undefined {
  let oldest: readonly [number, Head] | undefined;
  for (const entry of heads) if (!oldest || entry[1].deliveredAtMs < oldest[1].deliveredAtMs) oldest = entry;
  return oldest;
}

/** Cuts messages into segments. */
function segmentsOf(delivered: readonly DeliveredMessage[]): DeliveredMessage[][] {
  const byType = new Map<number, DeliveredMessage[]>();
  for (const message of delivered) {
    const some = byType.get(message.type);
    if (some) some.push(message);
    else byType.set(message.type, [message]);
  }
  return [...byType.values()].flatMap(runsOf);
}

function runsOf(messages: DeliveredMessage[]): DeliveredMessage[][] {
  const runs: DeliveredMessage[][] = [];
  let bytes = 0;
  let next = 0;
  for (const message of messages.sort((a, b) => a.sequence - b.sequence)) {
    const { sequence, payload } = message;
    if (sequence === next && bytes + payload.length <= SEGMENT_BYTES) runs.at(-1)!.push(message);
    else {
      runs.push([message]);
      bytes = 0;
    }
    bytes += payload.length;
    next = sequence + 1;
  }
  return runs;
}

function keyOf([first]: readonly DeliveredMessage[]): SegmentKey {
  return [first!.type, first!.sequence];
}

function encode(run: readonly DeliveredMessage[], deliveredAtMs: number): Buffer {
  const lengths = run.map(({ payload }) => payload.length);
  const header: SegmentHeader = [deliveredAtMs, run[0]!.acceptedAtMs, lengths];
  return seal(header, ...run.map(({ payload }) => payload));
}

function sizeOf(run: readonly DeliveredMessage[]): number {
  return run.reduce((sum, { payload }) => sum + BYTES_PER_LENGTH + payload.length, HEADER_BYTES);
}

function headerOf(value: Buffer): SegmentHeader | undefined {
  const header = peekHeader<unknown>(value);
  return isSegmentHeader(header) ? header : undefined;
}

/** A record whose CRC is good may be another one: a page may have been written to the wrong place. */
function isSegmentHeader(header: unknown): header is SegmentHeader {
  if (!Array.isArray(header)) return false;
  const [deliveredAtMs, acceptedAtMs, lengths] = header as readonly unknown[];
  return Number.isFinite(deliveredAtMs) && Number.isFinite(acceptedAtMs) && Array.isArray(lengths);
}

function decode([type, first]: SegmentKey, value: Buffer): DeliveredMessage[] {
  const opened = unseal<unknown>(value);
  if (!opened || !isSegmentHeader(opened.header)) return [];
  const [, acceptedAtMs, lengths] = opened.header;
  let at = 0;
  return lengths.map((length, index) => {
    const payload = opened.body.subarray(at, (at += length));
    return { type, sequence: first + index, acceptedAtMs, payload };
  });
}
