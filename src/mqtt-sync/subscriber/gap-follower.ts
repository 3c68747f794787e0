import type { SyncLogger } from '../logger.js';
import type { SyncEvents } from '../sync-events.js';
import type { Clock } from '../time/clock.js';
import type { IncomingMessage } from '../wire/decode-change.js';
import { decodeGap } from '../wire/decode-gap.js';
import type { InboundTopics } from '../wire/inbound-topics.js';
import type { StreamId } from '../wire/incoming-change.js';
import { numbersIn, type Range, type SequenceRange } from '../wire/sequence-ranges.js';
import { GraceList } from './grace-list.js';
import type { Inbox, InboxObserver, ParkedMessage, StreamAccount } from './inbox/inbox.js';
import type { ServiceListener } from './service-listeners.js';

/** What following gaps takes. */
export interface GapFollowerParts {
  /** Whether a vessel is this one, whose gaps come back as echoes, as its changes do. */
  readonly isOwn: (vesselId: string) => boolean;
  readonly inbox: Pick<Inbox, 'recordLost' | 'account' | 'accounts' | 'stats'>;
  readonly events: Pick<SyncEvents, 'emit'>;
  readonly clock: Clock;
  readonly logger: SyncLogger;
  /** Seconds for which a hole may stay open before it is told: what fills it may be on its way behind other changes. */
  readonly gapGraceS: number;
  /** A larger message is not looked at. */
  readonly maxBytes: number;
}

/** What is missing of one stream, and has been for longer than the grace, and what is lost. */
export interface StreamGaps extends StreamId {
  readonly missing: readonly Range[];
  readonly lost: readonly SequenceRange[];
  readonly missingCount: number;
  readonly lostCount: number;
}

/** What health and metrics read of the gaps. */
export interface GapsView {
  /** Everything that is missing, for longer than the grace, or lost, by stream. */
  gaps(): Iterable<StreamGaps>;
  /** Numbers that are missing for longer than the grace. */
  readonly missingCount: number;
  /** Messages that are parked. */
  readonly parkedCount: number;
}

/**
 * Follows what does not come: listens to what other vessels say is lost, and tells of holes that stay open. It subscribes
 * only where something else is subscribed.
 */
export class GapFollower implements InboxObserver, ServiceListener, GapsView {
  readonly opensConnection = false;
  private readonly grace: GraceList;
  private faultLogged = false;

  constructor(private readonly parts: GapFollowerParts) {
    this.grace = new GraceList(parts.gapGraceS * 1000, parts.clock, (stream, ranges) => this.ripen(stream, ranges));
  }

  filter({ prefix }: InboundTopics): string {
    return `${prefix}/system/gap/+`;
  }

  /** Records what a vessel says is lost. Rejects when that cannot be stored just now. */
  async receive({ topic, payload }: IncomingMessage): Promise<void> {
    const told = decodeGap(payload, this.parts.maxBytes);
    if (told && this.parts.isOwn(told.stream.vesselId)) return;
    // The topic is what the broker lets a vessel publish to; the envelope can say anything.
    if (told?.stream.vesselId === topic.slice(topic.lastIndexOf('/') + 1)) {
      await this.parts.inbox.recordLost(told.stream, told.ranges);
    } else if (!this.faultLogged) {
      this.faultLogged = true;
      this.parts.logger.warn(`A message on ${topic} is no gap of that vessel, and is ignored, as are further ones.`);
    }
  }

  *gaps(): Iterable<StreamGaps> {
    const { missing, lost } = this.parts.inbox.stats();
    if (missing + lost > 0) yield* this.openGaps();
  }

  /** What is missing of a stream, and has been for longer than the grace; lost numbers are not. */
  missingOf(stream: StreamId): readonly Range[] {
    const account = this.parts.inbox.account(stream);
    return account ? this.gapsOf(account).missing : [];
  }

  get parkedCount(): number {
    return this.parts.inbox.stats().parked;
  }

  get missingCount(): number {
    if (this.parts.inbox.stats().missing === 0) return 0;
    let count = 0;
    for (const gaps of this.openGaps()) count += gaps.missingCount;
    return count;
  }

  stop(): void {
    this.grace.stop();
  }

  // ---- what the inbox tells

  missing(stream: StreamId, range: Range): void {
    this.grace.add(stream, range);
  }

  lost({ vesselId, epoch, entity }: StreamId, ranges: readonly SequenceRange[]): void {
    const count = numbersIn(ranges);
    this.parts.logger.warn(`${vesselId} will never send ${count} change(s) of ${entity}: ${shown(ranges)}.`);
    this.parts.events.emit('gap_told', { vesselId, epoch, entity, ranges, count });
  }

  parkedDiscarded({ position, topic, reason }: ParkedMessage): void {
    this.parts.logger.warn(
      `There are too many parked messages: the oldest (${position}, from ${topic}, ${reason}) is discarded.`,
    );
    this.parts.events.emit('parked_discarded', { position, topic, reason });
  }

  private *openGaps(): Iterable<StreamGaps> {
    for (const account of this.parts.inbox.accounts('with_gaps')) {
      const gaps = this.gapsOf(account);
      if (gaps.missingCount + gaps.lostCount > 0) yield gaps;
    }
  }

  private ripen(stream: StreamId, waited: readonly Range[]): void {
    const account = this.parts.inbox.account(stream);
    if (!account) return;
    const ranges = within(account.missing, waited);
    const count = numbersIn(ranges);
    if (count === 0) return;
    const { vesselId, epoch, entity } = account;
    this.parts.logger.warn(`${count} change(s) of ${entity} of ${vesselId} have not come: ${shown(ranges)}.`);
    this.parts.events.emit('gap_detected', { vesselId, epoch, entity, ranges, count });
  }

  private gapsOf(account: StreamAccount): StreamGaps {
    const { vesselId, epoch, entity, lost, lostCount } = account;
    const missing = account.missing.length > 0 ? this.grace.withoutWaiting(account, account.missing) : [];
    return { vesselId, epoch, entity, missing, lost, missingCount: numbersIn(missing), lostCount };
  }
}

/** The parts of `ranges` that lie in one of `limits`, which do not overlap. */
function within(ranges: readonly Range[], limits: readonly Range[]): Range[] {
  return limits.flatMap((limit) =>
    ranges
      .map(({ from, to }) => ({ from: Math.max(from, limit.from), to: Math.min(to, limit.to) }))
      .filter(({ from, to }) => from <= to),
  );
}

const RANGES_SHOWN = 5;

function shown(ranges: readonly Range[]): string {
  const texts = ranges.slice(0, RANGES_SHOWN).map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`));
  return texts.join(', ') + (ranges.length > RANGES_SHOWN ? `, and ${ranges.length - RANGES_SHOWN} more ranges` : '');
}
