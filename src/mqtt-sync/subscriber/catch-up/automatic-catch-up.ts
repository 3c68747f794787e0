import type { SyncLogger } from '../../logger.js';
import { fullJitterDelay } from '../../time/backoff.js';
import type { CancelTimer, Clock } from '../../time/clock.js';
import type { IncomingMessage } from '../../wire/decode-change.js';
import { decodeStatus } from '../../wire/decode-status.js';
import type { InboundTopics } from '../../wire/inbound-topics.js';
import type { StreamId } from '../../wire/incoming-change.js';
import { numbersIn } from '../../wire/sequence-ranges.js';
import { canBeSentAgain } from '../../wire/topics.js';
import { isVesselId } from '../../wire/vessel-id.js';
import type { GapFollower } from '../gap-follower.js';
import type { ServiceListener } from '../service-listeners.js';
import type { CatchUp } from './catch-up.js';

/** What asking by itself takes. */
export interface AutomaticCatchUpParts {
  readonly catchUp: Pick<CatchUp, 'request'>;
  readonly gaps: Pick<GapFollower, 'missingOf'>;
  readonly clock: Clock;
  readonly logger: SyncLogger;
  /** @default Math.random */
  readonly random?: () => number;
}

const BACKOFF = { baseMs: 30_000, capMs: 3_600_000 };
/** What a vessel has answered and not sent waits on board, and comes by itself: a dead letter, until somebody decides. */
const BACKOFF_WHEN_ANSWERED = { baseMs: 30_000, capMs: 86_400_000 };

/** A stream that lacks something. */
interface Pursuit {
  readonly stream: StreamId;
  /** Requests since something came of one. */
  attempt: number;
  /** How many numbers were missing at the last look. */
  missing: number;
  isAsking: boolean;
  askedAtMs: number;
  cancel: CancelTimer;
}

/**
 * Asks for what is missing, until it is here or told as lost: what the inbox still counts as missing is all that is ever
 * asked for. Asks again after a while, longer each time that nothing comes of it, and when the vessel is back.
 */
export class AutomaticCatchUp implements ServiceListener {
  readonly opensConnection = false;
  private readonly pursuits = new Map<string, Pursuit>();
  private isStopped = false;

  constructor(private readonly parts: AutomaticCatchUpParts) {}

  filter({ prefix }: InboundTopics): string {
    return `${prefix}/system/status/+`;
  }

  /** Changes have not come. */
  detected({ vesselId, epoch, entity }: StreamId): void {
    if (!canBeSentAgain(entity) || !isVesselId(vesselId)) return;
    const name = `${vesselId} ${epoch} ${entity}`;
    const stream = { vesselId, epoch, entity };
    const fresh = { stream, attempt: 0, missing: Infinity, isAsking: false, askedAtMs: -Infinity, cancel: () => {} };
    const pursuit = this.pursuits.get(name) ?? fresh;
    this.pursuits.set(name, pursuit);
    this.hasten(pursuit);
  }

  /** There is a connection to ask over. */
  connected(): void {
    for (const pursuit of this.pursuits.values()) this.hasten(pursuit);
  }

  /** A vessel says how it is: one that is back can answer. */
  receive({ topic, payload }: IncomingMessage): Promise<void> {
    const status = decodeStatus(payload);
    if (status?.isOnline && status.vesselId === topic.slice(topic.lastIndexOf('/') + 1)) {
      for (const pursuit of this.pursuits.values())
        if (pursuit.stream.vesselId === status.vesselId) this.hasten(pursuit);
    }
    return Promise.resolve();
  }

  /** Asks no more. */
  stop(): void {
    this.isStopped = true;
    for (const { cancel } of this.pursuits.values()) cancel();
    this.pursuits.clear();
  }

  /** Asks now, unless it was a moment ago: a link that comes and goes would ask each time. */
  private hasten(pursuit: Pursuit): void {
    if (pursuit.isAsking) return;
    const sinceMs = this.parts.clock.monotonicMs() - pursuit.askedAtMs;
    if (sinceMs >= BACKOFF.baseMs) void this.ask(pursuit);
    else this.later(pursuit, BACKOFF.baseMs - sinceMs);
  }

  private later(pursuit: Pursuit, delayMs: number): void {
    pursuit.cancel();
    pursuit.cancel = this.parts.clock.after(delayMs, () => void this.ask(pursuit));
  }

  private async ask(pursuit: Pursuit): Promise<void> {
    if (this.isStopped || pursuit.isAsking) return;
    pursuit.cancel();
    const ranges = this.missingOf(pursuit);
    if (ranges.length === 0) return;
    pursuit.isAsking = true;
    pursuit.askedAtMs = this.parts.clock.monotonicMs();
    const isAnswered = await this.request(pursuit.stream, ranges);
    pursuit.isAsking = false;
    if (this.isStopped) return;
    // What was answered may still be with the handlers.
    const settlingMs = isAnswered ? BACKOFF.baseMs : 0;
    const backoff = isAnswered ? BACKOFF_WHEN_ANSWERED : BACKOFF;
    this.later(pursuit, settlingMs + fullJitterDelay(pursuit.attempt++, backoff, this.parts.random));
  }

  /** What a stream lacks just now; where that is nothing, it is forgotten. */
  private missingOf(pursuit: Pursuit): ReturnType<GapFollower['missingOf']> {
    const { vesselId, epoch, entity } = pursuit.stream;
    let ranges: ReturnType<GapFollower['missingOf']> = [];
    try {
      ranges = this.parts.gaps.missingOf(pursuit.stream);
    } catch {
      // The inbox cannot be read just now; what is missing is told again when it opens.
    }
    const missing = numbersIn(ranges);
    if (missing < pursuit.missing) pursuit.attempt = 0;
    pursuit.missing = missing;
    if (missing === 0) this.pursuits.delete(`${vesselId} ${epoch} ${entity}`);
    return ranges;
  }

  private async request(stream: StreamId, ranges: ReturnType<GapFollower['missingOf']>): Promise<boolean> {
    const { logger } = this.parts;
    const { vesselId, entity } = stream;
    try {
      const { received, lost } = await this.parts.catchUp.request({ ...stream, ranges });
      logger.log(`${vesselId} has sent ${received} change(s) of ${entity} again; ${lost} will never come.`);
      return true;
    } catch (error) {
      if (!this.isStopped)
        logger.warn(
          `Asked ${vesselId} for changes of ${entity} that are missing, without success; trying again. ${String(error)}`,
        );
      return false;
    }
  }
}
