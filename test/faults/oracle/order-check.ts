/** Where a change stands in its two orders: that of the queue, and that of the calls to `publish()`. */
export interface Place {
  /** Who published: a vessel's queue in one epoch. */
  readonly stream: string;
  readonly entity: string;
  readonly key: string | undefined;
  readonly sequence: number;
  /** Number of the call, rising over the life of `ship`; undefined where the changes carry none. */
  readonly call: number | undefined;
  readonly ship: string;
}

/** The newest number that came, of the messages with a key and of those without. */
interface Newest {
  readonly byKey: Map<string, number>;
  keyless: number;
  all: number;
}

/**
 * Notices a first arrival that comes after a later one of its entity type and key. A change without a key orders with its
 * whole entity type.
 */
export class OrderCheck {
  private readonly bySequence = new Map<string, Newest>();
  private readonly byCall = new Map<string, Newest>();

  /** Answers what came too early before this one, or undefined. */
  arrived({ stream, ship, entity, key, sequence, call }: Place): string | undefined {
    const before = this.advance(this.bySequence, `${stream} ${entity}`, key, sequence);
    const called = call === undefined ? undefined : this.advance(this.byCall, `${ship} ${entity}`, key, call);
    if (before !== undefined) return `sequence ${sequence} came after ${before}`;
    return called === undefined ? undefined : `call ${call} came after call ${called}`;
  }

  /** Answers the larger number that came already; undefined if there is none. */
  private advance(orders: Map<string, Newest>, name: string, key: string | undefined, number: number) {
    let newest = orders.get(name);
    if (!newest) orders.set(name, (newest = { byKey: new Map(), keyless: -1, all: -1 }));
    const before = key === undefined ? newest.all : Math.max(newest.byKey.get(key) ?? -1, newest.keyless);
    newest.all = Math.max(newest.all, number);
    if (key === undefined) newest.keyless = Math.max(newest.keyless, number);
    else newest.byKey.set(key, Math.max(newest.byKey.get(key) ?? -1, number));
    return before > number ? before : undefined;
  }
}
