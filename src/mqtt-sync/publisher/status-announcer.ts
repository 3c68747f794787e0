import { v7 as uuidv7 } from 'uuid';
import type { SyncLogger } from '../logger.js';
import type { QueueIdentity } from '../queue/sync-queue.js';
import { backoffCeiling } from '../time/backoff.js';
import type { CancelTimer, Clock } from '../time/clock.js';
import { encodeEnvelope } from '../wire/envelope.js';
import { AnnouncementGuard } from './announcement-guard.js';
import type { ControlMessage, ControlOutcome } from './delivery-session.js';

/** Until what the broker refused in passing is announced again, twice as long after each further refusal. */
const AGAIN_AFTER = { baseMs: 2_000, capMs: 60_000 };
/** One or two are nothing: a resumed session may have its whole quota in use. */
const PASSING_REFUSALS_TO_LOG = 4;

/** The envelope that says whether a vessel is online. */
export function statusPayload(status: 'online' | 'offline', identity: QueueIdentity, clock: Clock): Buffer {
  return encodeEnvelope({
    type: 'status',
    entity: 'system',
    messageId: uuidv7(),
    vesselId: identity.vesselId,
    epoch: identity.epoch,
    timestamp: new Date(clock.wallMs()).toISOString(),
    data: { status },
  });
}

/** Tells the other side, with a retained message, that this vessel is online, and when it goes by itself, offline. */
export class StatusAnnouncer {
  private readonly guard: AnnouncementGuard;
  private refusalLogged = false;
  private passingRefusals = 0;
  private cancelAgain: CancelTimer = () => {};
  private isGoing = false;

  constructor(
    private readonly topic: string,
    private readonly identity: QueueIdentity,
    private readonly send: (control: ControlMessage) => void,
    private readonly clock: Clock,
    private readonly logger: SyncLogger,
  ) {
    this.guard = new AnnouncementGuard(clock, (connections) =>
      logger.warn(`The connection was lost ${connections} times while announcing the status on ${topic}.`),
    );
  }

  /** A connection is up. */
  connected(): void {
    this.guard.connected();
    this.passingRefusals = 0;
    if (this.guard.admits) this.announceOnline();
  }

  /** The link is gone: the next one begins with an announcement. */
  disconnected(): void {
    this.cancelAgain();
  }

  /**
   * Announces that the vessel goes offline; resolves when the broker knows, or will not, with false when it refuses it in
   * passing: there is no time for another try, and the will says the same.
   */
  async goOffline(): Promise<boolean> {
    this.isGoing = true;
    this.cancelAgain();
    const outcome = await new Promise<ControlOutcome>((resolve) => this.announce('offline', resolve));
    return outcome !== 'refused_in_passing';
  }

  private announceOnline(): void {
    this.announce('online', (outcome) => {
      this.guard.settled(outcome);
      if (outcome === 'refused_in_passing' && !this.isGoing) this.announceAgain();
    });
  }

  private announceAgain(): void {
    this.cancelAgain = this.clock.after(backoffCeiling(this.passingRefusals, AGAIN_AFTER), () => this.announceOnline());
    if (++this.passingRefusals === PASSING_REFUSALS_TO_LOG)
      this.logger.warn(`The broker does not take the status on ${this.topic} for now; trying until it does.`);
  }

  private announce(status: 'online' | 'offline', settled: ControlMessage['settled']): void {
    const payload = statusPayload(status, this.identity, this.clock);
    this.send({
      topic: this.topic,
      payload,
      retain: true,
      settled: (outcome) => {
        if (outcome === 'refused' && !this.refusalLogged) {
          this.refusalLogged = true;
          this.logger.warn(`The broker does not let this vessel publish its status on ${this.topic}.`);
        }
        settled(outcome);
      },
    });
  }
}
