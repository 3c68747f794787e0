import type { QueuedMessage } from '../queue/message.js';
import type { Qos } from '../wire/entity-policies.js';

/**
 * Messages of one entity type that may wait in RAM for an earlier one of another QoS. Beyond it the type is not asked
 * for more, so that a stream of alternating QoS cannot fill the memory.
 */
const MAX_HELD = 128;

/** Exchanges under way, by QoS 1 and 2. */
type Counts = [qos1: number, qos2: number];

interface EntityOrder {
  readonly byKey: Map<string, Counts>;
  readonly keyless: Counts;
  readonly all: Counts;
  held: QueuedMessage[];
  /** Something settled since the held messages were last looked at. */
  changed: boolean;
}

const hasOther = (counts: Counts | undefined, qos: Qos): boolean =>
  counts !== undefined && (qos === 1 ? counts[1] : counts[0]) > 0;

/**
 * Keeps the order of a key where MQTT does not: a broker keeps order within one QoS only (MQTT 5, section 4.6), so a
 * message whose QoS differs from an unacknowledged earlier one of its key is held until that one is through, and with it
 * what follows in its key. A message without a key orders with its whole entity type. QoS 0 promises no order.
 */
export class OrderGuard {
  private readonly entities = new Map<string, EntityOrder>();
  private heldCount = 0;

  /** Whether more messages of the entity type may be taken from the queue. */
  hasRoom(entity: string): boolean {
    return (this.entities.get(entity)?.held.length ?? 0) < MAX_HELD;
  }

  /** How many messages are held; asked for every entity type before every message, hence counted. */
  get held(): number {
    return this.heldCount;
  }

  /** Whether messages of the entity type are held. */
  isHolding(entity: string): boolean {
    return (this.entities.get(entity)?.held.length ?? 0) > 0;
  }

  /** Lets a message through, and counts it as under way; or holds it, and answers false. */
  admit(message: QueuedMessage): boolean {
    if (message.qos === 0) return true;
    const order = this.orderOf(message.entity);
    if (this.mustWait(message, order, order.held)) {
      order.held.push(message);
      this.heldCount++;
      return false;
    }
    this.count(message, order, 1);
    return true;
  }

  /** The exchange of a message that was let through has ended. */
  settle(message: QueuedMessage): void {
    if (message.qos === 0) return;
    const order = this.orderOf(message.entity);
    this.count(message, order, -1);
    order.changed = true;
  }

  /** The next held message that may go now, counted as under way; undefined when there is none. */
  release(): QueuedMessage | undefined {
    for (const order of this.entities.values()) {
      if (!order.changed || order.held.length === 0) continue;
      const index = order.held.findIndex((message, at) => !this.mustWait(message, order, order.held.slice(0, at)));
      const [message] = index < 0 ? [] : order.held.splice(index, 1);
      if (message) {
        this.heldCount--;
        this.count(message, order, 1);
        return message;
      }
      order.changed = false;
    }
    return undefined;
  }

  /** Gives back what is held of an entity type, so that it can follow a message that goes back to the queue. */
  withdraw(entity: string): QueuedMessage[] {
    const held = this.entities.get(entity)?.held.splice(0) ?? [];
    this.heldCount -= held.length;
    return held;
  }

  /** Forgets everything and gives back what was held. */
  clear(): QueuedMessage[] {
    const held = [...this.entities.values()].flatMap((order) => order.held);
    this.entities.clear();
    this.heldCount = 0;
    return held;
  }

  private mustWait(message: QueuedMessage, order: EntityOrder, earlierHeld: readonly QueuedMessage[]): boolean {
    const { key, qos } = message;
    if (key === undefined) return earlierHeld.length > 0 || hasOther(order.all, qos);
    return (
      hasOther(order.byKey.get(key), qos) ||
      hasOther(order.keyless, qos) ||
      earlierHeld.some((earlier) => earlier.key === key || earlier.key === undefined)
    );
  }

  private count({ key, qos }: QueuedMessage, order: EntityOrder, by: 1 | -1): void {
    const at = qos === 2 ? 1 : 0;
    order.all[at] += by;
    if (key === undefined) {
      order.keyless[at] += by;
      return;
    }
    const counts = order.byKey.get(key) ?? [0, 0];
    counts[at] += by;
    if (counts[0] + counts[1] > 0) order.byKey.set(key, counts);
    else order.byKey.delete(key);
  }

  private orderOf(entity: string): EntityOrder {
    let order = this.entities.get(entity);
    if (!order) {
      order = { byKey: new Map(), keyless: [0, 0], all: [0, 0], held: [], changed: false };
      this.entities.set(entity, order);
    }
    return order;
  }
}
