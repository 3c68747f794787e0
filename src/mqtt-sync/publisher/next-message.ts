import type { QueuedMessage } from '../queue/message.js';
import type { SyncQueue } from '../queue/sync-queue.js';
import type { Lane } from '../wire/lanes.js';
import { LaneSchedule } from './lane-schedule.js';
import type { DeliveryState } from './settlement.js';
import type { Probe } from './suspects.js';

/** So many times more than the reserve for what is urgent may be unsettled. */
const URGENT_SHARE = 16;

/**
 * Chooses the message that is sent next: by lane, then by age; past entity types that pause, and past messages that wait
 * for an earlier one of their key. While a message is suspected, it goes first and alone.
 */
export class NextMessage {
  private readonly lanes = new LaneSchedule();
  /** Asked for before every message, hence kept. */
  private readonly admitsTo: Readonly<Record<Lane, (entity: string) => boolean>> = {
    critical: (entity) => this.admits(entity, 'critical'),
    normal: (entity) => this.admits(entity, 'normal'),
    bulk: (entity) => this.admits(entity, 'bulk'),
  };

  constructor(
    private readonly queue: Pick<SyncQueue, 'take'>,
    private readonly state: Pick<DeliveryState, 'session' | 'order' | 'pauses'>,
    /** Most messages in flight. */
    private readonly maxInFlight: number,
  ) {}

  /** Takes it out of the queue; undefined when nothing may be sent now. */
  take(probe: Probe | undefined): QueuedMessage | undefined {
    const { order } = this.state;
    for (;;) {
      const released = order.release();
      if (released) return released;
      const taken = probe ? this.takeProbing(probe) : this.takeAny();
      if (!taken || order.admit(taken)) return taken;
    }
  }

  /**
   * The suspect is the oldest of its entity type, so taking from that type gives it, or what goes before it. Where the
   * type pauses, and after a conviction, other types are not held up by it.
   */
  private takeProbing({ suspect, standIn, lastIn }: Probe): QueuedMessage | undefined {
    const apart = suspect?.entity ?? lastIn;
    const other = (): QueuedMessage | undefined => this.takeAny((entity) => entity !== apart);
    const own = (): QueuedMessage | undefined => this.takeAny((entity) => apart === undefined || entity === apart);
    return suspect && !standIn ? (own() ?? other()) : (other() ?? own());
  }

  private takeAny(from?: (entity: string) => boolean): QueuedMessage | undefined {
    for (const lane of this.lanes.order()) {
      const admits = this.admitsTo[lane];
      const message = this.queue.take(lane, from ? (entity) => admits(entity) && from(entity) : admits);
      if (message) {
        this.lanes.served(lane);
        return message;
      }
    }
    return undefined;
  }

  private admits(entity: string, lane: Lane): boolean {
    const { pauses, order, session } = this.state;
    if (!pauses.admits(entity) || !order.hasRoom(entity)) return false;
    // The one try of a paused type is for the message that it waits for, which may be held.
    if (pauses.isPaused(entity) && order.isHolding(entity)) return false;
    // What was sent cannot be dropped, so it must not become more than what may be in flight.
    return session.backOf(entity) > 0 || session.unsettled - this.stuck + order.held < this.mostUnsettled(lane);
  }

  /**
   * Messages of paused types that were sent and are back: they may have arrived, so that they cannot be dropped, and they do
   * not get on for as long as the broker refuses them. Others must, so up to half of a window does not count, and one where the window is one.
   */
  private get stuck(): number {
    let back = 0;
    for (const entity of this.state.pauses.entities) back += this.state.session.backOf(entity);
    return Math.min(back, Math.ceil(this.maxInFlight / 2));
  }

  /** After a cut all of that may be messages that are sent again; what is urgent does not wait for them. */
  private mostUnsettled(lane: Lane): number {
    return lane === 'critical' ? this.maxInFlight + Math.ceil(this.maxInFlight / URGENT_SHARE) : this.maxInFlight;
  }
}
