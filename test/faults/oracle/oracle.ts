import { type GapReason, type SequenceRange, SequenceRanges } from '../../../src/mqtt-sync/wire/sequence-ranges.js';
import { type ClaimedCounters, disagreements } from './counters.js';
import { Findings } from './findings.js';
import { type ChangeContent, fingerprint } from './fingerprint.js';
import { Known, MessageTable } from './message-table.js';
import { OrderCheck } from './order-check.js';
import type { FaultReport } from './report.js';
import { SparseBits } from './sparse-bits.js';

/** A promise that the system made: `publish()` resolved, or a 202 came. */
export interface Obligation {
  readonly messageId: string;
  readonly entity: string;
  readonly sequence: number;
  /** `fingerprint()` of what was given to `publish()`. */
  readonly fingerprint: number;
}

/** A change as it came ashore. */
export interface Arrival extends ChangeContent {
  readonly messageId: string;
  readonly vesselId: string;
  readonly epoch: number;
  readonly sequence: number;
  /** QoS of the last leg; 0 means that it was published with 0, which promises nothing. @default 1 */
  readonly qos?: number | undefined;
}

/** An obligation that did not arrive, and that the system says is gone. */
export interface Gone extends Pick<Obligation, 'entity' | 'sequence'> {
  readonly how: 'dropped' | 'dead_lettered';
}

/** What a test says of its report. */
export interface Conclusion {
  readonly name: string;
  /** @default 1 */
  readonly rounds?: number;
  /** Arrivals without an obligation are findings: right where no process was killed and no answer was lost. @default false */
  readonly everyArrivalIsPromised?: boolean;
  readonly notes?: readonly string[];
}

/**
 * Judges a run. Every id becomes an obligation when it was accepted; in the end each has to have arrived, or to be
 * accounted for as dropped or set aside. It keeps a hash of each content, never the content.
 *
 * Changes made by `changeOf()` carry the number of their call, so that order and repeats are judged without
 * trusting the sequence numbers of the system under test.
 */
export class Oracle {
  private readonly table = new MessageTable();
  private readonly order = new OrderCheck();
  private readonly findings = new Findings();
  private readonly sequencesSeen = new Map<string, SparseBits>();
  private readonly callsSeen = new Map<string, SparseBits>();
  private readonly toldGaps = new Map<string, SequenceRanges>();
  private readonly reasons = new Map<string, string>();
  private readonly claims: ClaimedCounters[] = [];
  private readonly begunMs = performance.now();
  private obligations = 0;
  private kept = 0;
  private distinct = 0;
  private duplicates = 0;
  private repeated = 0;
  private unobliged = 0;

  /** Obligations so far. */
  get accepted(): number {
    return this.obligations;
  }

  /** Obligations that have arrived. */
  get delivered(): number {
    return this.kept;
  }

  /** Message ids that have arrived, obligations or not. */
  get arrivals(): number {
    return this.distinct;
  }

  /** Messages that have arrived more than once, however often. */
  get arrivedAgain(): number {
    return this.repeated;
  }

  /** Whether a message has come ashore. */
  hasArrived(messageId: string): boolean {
    return this.table.has(this.table.row(messageId), Known.arrived);
  }

  /** Whether every obligation has arrived or been told gone. */
  get isSettled(): boolean {
    if (this.kept === this.obligations) return true;
    const isAccountedFor = this.reasons.size > 0 || this.toldGaps.size > 0;
    return isAccountedFor && this.missing(1).length === 0;
  }

  /** Everything that came ashore, or should have: what a receiver has to have handled. */
  *due(): Iterable<Obligation> {
    for (const [messageId, row] of this.table.rows()) {
      if (!this.table.has(row, Known.arrived) && !this.isMissing(row)) continue;
      const [entity, sequence] = [this.table.entity(row), this.table.sequence(row)];
      yield { messageId, entity, sequence, fingerprint: this.table.fingerprint(row) };
    }
  }

  /** Every obligation that the system says is gone: what a receiver has to have been told. */
  *gone(): Iterable<Gone> {
    for (const [, row] of this.table.rows()) {
      if (this.table.has(row, Known.arrived) || !this.table.has(row, Known.obliged) || this.isMissing(row)) continue;
      const isDropped = this.table.has(row, Known.dropped) || this.toldReason(row) === 'dropped';
      const [entity, sequence] = [this.table.entity(row), this.table.sequence(row)];
      yield { entity, sequence, how: isDropped ? 'dropped' : 'dead_lettered' };
    }
  }

  /** The system has promised to deliver this. The arrival may have been noted before. */
  oblige({ messageId, entity, sequence, fingerprint: hash }: Obligation): void {
    const row = this.table.row(messageId);
    if (this.table.has(row, Known.obliged)) return;
    this.compare(row, messageId, entity, sequence, hash);
    this.table.set(row, Known.obliged);
    this.obligations++;
    if (this.table.has(row, Known.arrived)) this.kept++;
  }

  /** A change came ashore; retained copies that a subscription brings are none. */
  arrived(arrival: Arrival): void {
    const { messageId, entity, sequence } = arrival;
    const row = this.table.row(messageId);
    this.compare(row, messageId, entity, sequence, fingerprint(arrival));
    if (this.table.has(row, Known.arrived)) {
      this.duplicates++;
      if (!this.table.has(row, Known.again)) this.repeated++;
      this.table.set(row, Known.again);
      return;
    }
    this.table.set(row, Known.arrived);
    this.distinct++;
    if (this.table.has(row, Known.obliged)) this.kept++;
    if (arrival.qos === 0) this.unobliged++;
    else this.checkFirst(arrival, row);
  }

  /** The system says that it dropped a message. */
  dropped(messageId: string, reason: string): void {
    this.settle(messageId, Known.dropped, reason);
  }

  /** The system says that it set a message aside. */
  deadLettered(messageId: string, reason: string): void {
    this.settle(messageId, Known.deadLettered, reason);
  }

  /** The other side was told that it will never see these sequence numbers of an entity type. */
  gap(entity: string, ranges: readonly SequenceRange[]): void {
    let told = this.toldGaps.get(entity);
    if (!told) this.toldGaps.set(entity, (told = new SequenceRanges()));
    for (const { from, to, reason } of ranges)
      for (let sequence = from; sequence <= to; sequence++) told.add(sequence, reason);
  }

  /** A message of which no order is promised any more, e.g. a dead letter that is tried again. */
  exemptFromOrder(messageId: string): void {
    this.table.set(this.table.row(messageId), Known.unordered);
  }

  /** What the system counted; compared with what is known in the end. Only where one process lived through it all. */
  counters(claim: ClaimedCounters): void {
    this.claims.push(claim);
  }

  /** The first obligations that are missing, for a message. */
  missing(limit = 5): string[] {
    const missing: string[] = [];
    for (const [messageId, row] of this.table.rows()) {
      if (missing.length >= limit) break;
      if (this.isMissing(row)) missing.push(this.describe(messageId, row));
    }
    return missing;
  }

  /** Adds it all up. */
  report({ name, rounds = 1, everyArrivalIsPromised = false, notes = [] }: Conclusion): FaultReport {
    const tally = this.tally(everyArrivalIsPromised);
    const { dropped, deadLettered } = tally;
    const truth = { published: this.distinct, dropped, deadLettered, depth: tally.lost };
    for (const claim of this.claims)
      for (const disagreement of disagreements(claim, truth)) this.findings.add('counter', disagreement);
    if (this.obligations === 0) this.findings.add('nothing_accepted', 'nothing was accepted, so nothing was shown');
    return {
      ...{ name, rounds, notes, ...tally },
      seconds: Math.round((performance.now() - this.begunMs) / 100) / 10,
      accepted: this.obligations,
      delivered: this.kept,
      reordered: this.findings.count('reordered'),
      changed: this.findings.count('changed'),
      repeatedAfterDedup: this.findings.count('repeated_after_deduplication'),
      duplicatesOnWire: this.duplicates,
      findings: this.findings.toArray(),
    };
  }

  private compare(row: number, messageId: string, entity: string, sequence: number, hash: number): void {
    const difference = this.table.describe(row, entity, sequence, hash);
    if (difference) this.findings.add('changed', `${messageId} (${entity} ${sequence}): ${difference}`);
  }

  private checkFirst(arrival: Arrival, row: number): void {
    const { messageId, vesselId, epoch, entity, key, sequence, data } = arrival;
    const { ship = vesselId, call } = (data ?? {}) as { readonly ship?: string; readonly call?: number };
    const stream = `${vesselId} ${epoch}`;
    const again =
      seen(this.sequencesSeen, `${stream} ${entity}`, sequence) ||
      (call !== undefined && seen(this.callsSeen, ship, call));
    if (again) {
      this.findings.add('repeated_after_deduplication', `${this.describe(messageId, row)}, call ${call}`);
      return;
    }
    if (this.table.has(row, Known.unordered)) return;
    const disorder = this.order.arrived({ stream, ship, entity, key, sequence, call });
    if (disorder) this.findings.add('reordered', `${this.describe(messageId, row)}, key ${key}: ${disorder}`);
  }

  private settle(messageId: string, flag: number, reason: string): void {
    this.table.set(this.table.row(messageId), flag);
    this.reasons.set(messageId, reason);
  }

  private isMissing(row: number): boolean {
    return (
      this.table.has(row, Known.obliged) &&
      !this.table.has(row, Known.arrived | Known.dropped | Known.deadLettered) &&
      !this.isTold(row)
    );
  }

  private isTold(row: number): boolean {
    return this.toldGaps.get(this.table.entity(row))?.has(this.table.sequence(row)) ?? false;
  }

  private toldReason(row: number): GapReason | undefined {
    const sequence = this.table.sequence(row);
    const ranges = this.toldGaps.get(this.table.entity(row))?.toArray() ?? [];
    return ranges.find(({ from, to }) => from <= sequence && sequence <= to)?.reason;
  }

  /** Looks at every message once. */
  private tally(everyArrivalIsPromised: boolean) {
    const counts = { lost: 0, dropped: 0, deadLettered: 0, unpromised: 0 };
    const reasons: Record<string, number> = {};
    for (const [messageId, row] of this.table.rows()) {
      const arrived = this.table.has(row, Known.arrived);
      const told = this.isTold(row) ? this.toldReason(row) : undefined;
      const dropped = this.table.has(row, Known.dropped) || told === 'dropped';
      if (arrived) {
        if (dropped) this.findings.add('told_gone_but_arrived', this.describe(messageId, row));
        if (!this.table.has(row, Known.obliged)) counts.unpromised++;
        continue;
      }
      if (!this.table.has(row, Known.obliged)) continue;
      if (dropped) counts.dropped++;
      else if (this.table.has(row, Known.deadLettered) || told) counts.deadLettered++;
      else {
        counts.lost++;
        this.findings.add('lost', this.describe(messageId, row));
        continue;
      }
      const reason = this.reasons.get(messageId) ?? told ?? 'told';
      reasons[reason] = (reasons[reason] ?? 0) + 1;
    }
    counts.unpromised -= this.unobliged;
    if (everyArrivalIsPromised && counts.unpromised > 0)
      this.findings.add('unpromised', `${counts.unpromised} messages arrived that were never accepted`);
    return { ...counts, reasons };
  }

  private describe(messageId: string, row: number): string {
    return `${messageId} (${this.table.entity(row)} ${this.table.sequence(row)})`;
  }
}

/** Notes a number under a name; answers whether it was there already. */
function seen(sets: Map<string, SparseBits>, name: string, number: number): boolean {
  let bits = sets.get(name);
  if (!bits) sets.set(name, (bits = new SparseBits()));
  return bits.add(number);
}
