import { type IncomingChange } from '../wire/incoming-change.js';

/** A change on its way through, until it may be acknowledged. */
export interface PendingChange {
  readonly change: IncomingChange;
  /** It is recorded, or needs no record: acknowledge it. */
  settle(): void;
}

/** A change in memory, and every delivery of it that waits for its acknowledgement. */
class HeldChange implements PendingChange {
  private acknowledgeAgain: (() => void)[] | undefined;

  constructor(
    private readonly owner: HeldChanges,
    /** Undefined: it cannot be recognised when it comes again. */
    readonly id: string | undefined,
    readonly change: IncomingChange,
    private readonly acknowledge: () => void,
  ) {}

  /** It came again: what is acknowledged on a connection that is gone does nothing. */
  deliveredAgain(acknowledge: () => void): void {
    (this.acknowledgeAgain ??= []).push(acknowledge);
  }

  settle(): void {
    this.owner.release(this);
    this.acknowledge();
    for (const acknowledge of this.acknowledgeAgain ?? []) acknowledge();
  }
}

/** The changes that were received and are not settled, bounded in bytes by not reading on. */
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
  hold(change: IncomingChange, acknowledge: () => void): PendingChange | undefined {
    const id = idOf(change);
    const known = id === undefined ? undefined : this.byId.get(id);
    if (known) {
      known.deliveredAgain(acknowledge);
      return undefined;
    }
    const held = new HeldChange(this, id, change, acknowledge);
    if (id !== undefined) this.byId.set(id, held);
    this.bytes += change.payload.length;
    return held;
  }

  /** A change is settled. */
  release({ id, change }: HeldChange): void {
    if (id !== undefined) this.byId.delete(id);
    const wasFull = this.isFull;
    this.bytes -= change.payload.length;
    if (wasFull && !this.isFull) this.hasRoom();
  }
}

/** Message ids are unique within a vessel and entity type. */
function idOf({ vesselId, entity, messageId }: IncomingChange): string | undefined {
  return messageId === undefined ? undefined : `${vesselId ?? ''}\0${entity}\0${messageId}`;
}
