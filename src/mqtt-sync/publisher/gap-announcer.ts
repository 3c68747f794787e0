import { v7 as uuidv7 } from 'uuid';
import type { SyncLogger } from '../logger.js';
import type { QueueIdentity, SyncQueue } from '../queue/sync-queue.js';
import type { CancelTimer, Clock } from '../time/clock.js';
import { encodeEnvelope } from '../wire/envelope.js';
import type { SequenceRange } from '../wire/sequence-ranges.js';
import { AnnouncementGuard } from './announcement-guard.js';
import type { ControlMessage } from './delivery-session.js';

/** A gap is told at most this often per entity type. */
const INTERVAL_MS = 10_000;
/** Ranges in one message at most, so that it stays around 50 kB; the rest follows in the next one. */
const MAX_RANGES = 1000;
/** The most that a range takes as JSON: two numbers of 16 digits, the longest reason, and what stands around them. */
const RANGE_BYTES = 80;
/** The most that everything else takes: packet, topic of 256 bytes with a vessel id, and the other fields of the envelope. */
const ENVELOPE_BYTES = 900;

/** Tells the other side which sequence numbers it will never see, and forgets them once the broker has that. */
export class GapAnnouncer {
  private timer: CancelTimer | undefined;
  /** Entity types whose gap message is on the way. */
  private readonly underWay = new Set<string>();
  private readonly guard: AnnouncementGuard;
  private refusalLogged = false;
  private rangesPerMessage = MAX_RANGES;

  constructor(
    private readonly topic: string,
    private readonly identity: QueueIdentity,
    private readonly queue: Pick<SyncQueue, 'gaps' | 'forgetGaps'>,
    private readonly send: (control: ControlMessage) => void,
    private readonly clock: Clock,
    private readonly logger: SyncLogger,
  ) {
    this.guard = new AnnouncementGuard(clock, (connections) =>
      logger.warn(`The connection was lost ${connections} times while telling gaps on ${topic}; they are kept.`),
    );
  }

  /** A connection is up: tells what there is to tell, and looks again at intervals. */
  connected(maximumPacketSize: number): void {
    const room = Math.floor((maximumPacketSize - ENVELOPE_BYTES) / RANGE_BYTES);
    this.rangesPerMessage = Math.min(MAX_RANGES, Math.max(1, room));
    this.guard.connected();
    this.tell();
  }

  disconnected(): void {
    this.timer?.();
    this.timer = undefined;
  }

  private tell(): void {
    this.disconnected();
    this.timer = this.clock.after(INTERVAL_MS, () => this.tell());
    if (!this.guard.admits) return;
    for (const [entity, ranges] of this.queue.gaps()) this.announce(entity, ranges.slice(0, this.rangesPerMessage));
  }

  private announce(entity: string, ranges: readonly SequenceRange[]): void {
    if (ranges.length === 0 || this.underWay.has(entity)) return;
    this.underWay.add(entity);
    this.send({
      topic: this.topic,
      payload: this.payload(entity, ranges),
      retain: false,
      settled: (outcome) => {
        this.underWay.delete(entity);
        this.guard.settled(outcome);
        if (outcome === 'acknowledged') this.queue.forgetGaps(entity, ranges);
        if (outcome === 'refused' && !this.refusalLogged) {
          this.refusalLogged = true;
          this.logger.warn(`The broker does not let this vessel tell its gaps on ${this.topic}; they are kept.`);
        }
      },
    });
  }

  private payload(entity: string, ranges: readonly SequenceRange[]): Buffer {
    return encodeEnvelope({
      type: 'gap',
      entity,
      messageId: uuidv7(),
      vesselId: this.identity.vesselId,
      epoch: this.identity.epoch,
      timestamp: new Date(this.clock.wallMs()).toISOString(),
      data: { ranges },
    });
  }
}
