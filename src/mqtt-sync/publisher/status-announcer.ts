import { v7 as uuidv7 } from 'uuid';
import type { SyncLogger } from '../logger.js';
import type { QueueIdentity } from '../queue/sync-queue.js';
import type { Clock } from '../time/clock.js';
import { encodeEnvelope } from '../wire/envelope.js';
import { AnnouncementGuard } from './announcement-guard.js';
import type { ControlMessage } from './delivery-session.js';

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
    if (this.guard.admits) this.announce('online', (outcome) => this.guard.settled(outcome));
  }

  /** Announces that the vessel goes offline; resolves when the broker knows, or will not. */
  async goOffline(): Promise<void> {
    await new Promise<void>((resolve) => this.announce('offline', () => resolve()));
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
