import { v7 as uuidv7 } from 'uuid';
import { type SyncLogger } from '../logger.js';
import { type QueueIdentity } from '../queue/sync-queue.js';
import { type Clock } from '../time/clock.js';
import { encodeEnvelope } from '../wire/envelope.js';
import { type ControlMessage } from './delivery-session.js';

/** A broker may hang up on a topic it does not allow; after so many announcements lost in a row it is suspected. */
const LOST_TO_SUSPECT = 3;
/** A suspected announcement is still tried on every so many connections: the link may have been to blame. */
const SUSPECTED_EVERY = 10;

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
  private lostInARow = 0;
  private connections = 0;
  private refusalLogged = false;

  constructor(
    private readonly topic: string,
    private readonly identity: QueueIdentity,
    private readonly send: (control: ControlMessage) => void,
    private readonly clock: Clock,
    private readonly logger: SyncLogger,
  ) {}

  /** A connection is up. */
  connected(): void {
    this.connections++;
    if (this.lostInARow >= LOST_TO_SUSPECT && this.connections % SUSPECTED_EVERY !== 0) return;
    this.announce('online', (outcome) => {
      if (outcome !== 'lost') this.lostInARow = 0;
      else if (++this.lostInARow === LOST_TO_SUSPECT) {
        this.logger.warn(
          `The connection was lost ${LOST_TO_SUSPECT} times while announcing the status on ${this.topic}.`,
        );
      }
    });
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
