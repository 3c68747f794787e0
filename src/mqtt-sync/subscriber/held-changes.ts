import type { IncomingChange } from '../wire/incoming-change.js';
import type { ChangeNames } from './inbox/inbox.js';
import { namesOf } from './inbox/names.js';

/** The place of a change that is on its way through, and every delivery of it that waits for its acknowledgement. */
export class HeldChange {
  private acknowledgeAgain: (() => void)[] | undefined;

  constructor(
    private readonly owner: HeldChanges,
    /** Without an id it cannot be recognised when it comes again. */
    readonly names: ChangeNames,
    readonly bytes: number,
    private readonly acknowledge: () => void,
  ) {}

  /** It came again: what is acknowledged on a connection that is gone does nothing. */
  deliveredAgain(acknowledge: () => void): void {
    (this.acknowledgeAgain ??= []).push(acknowledge);
  }

  /** The change is recorded, or needs no record: acknowledges it. */
  settle(): void {
    this.owner.release(this);
    this.acknowledge();
    for (const acknowledge of this.acknowledgeAgain ?? []) acknowledge();
  }
}

/** What was received and is not settled, bounded in bytes by not reading on. */
export class HeldChanges {
  private readonly byId = new Map<string, HeldChange>();
  private bytes = 0;

  constructor(
    private readonly maxBytes: number,
    /** There is room again. */
    private readonly hasRoom: () => void,
  ) {}

  /** Bytes of payload in memory. */
  get heldBytes(): number {
    return this.bytes;
  }

  get isFull(): boolean {
    return this.bytes > this.maxBytes;
  }

  /**
   * Holds a change until it is settled.
   * @returns undefined when it was received before and is still on its way, most often because a connection died under
   * it; it is acknowledged together with the first delivery.
   */
  hold(change: IncomingChange, acknowledge: () => void): HeldChange | undefined {
    const names = namesOf(change);
    const { id } = names;
    const known = id === undefined ? undefined : this.byId.get(id);
    if (known) {
      known.deliveredAgain(acknowledge);
      return undefined;
    }
    const held = new HeldChange(this, names, change.payload.length, acknowledge);
    if (id !== undefined) this.byId.set(id, held);
    this.bytes += held.bytes;
    return held;
  }

  /**
   * Counts a message that is no change, and has to wait all the same.
   * @returns what ends that.
   */
  holdUnreadable(bytes: number): () => void {
    this.bytes += bytes;
    return () => this.free(bytes);
  }

  /** A change is settled. */
  release({ names: { id }, bytes }: HeldChange): void {
    if (id !== undefined) this.byId.delete(id);
    this.free(bytes);
  }

  private free(bytes: number): void {
    const wasFull = this.isFull;
    this.bytes -= bytes;
    if (wasFull && !this.isFull) this.hasRoom();
  }
}
