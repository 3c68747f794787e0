import { type IncomingChange } from '../wire/incoming-change.js';
import { type PendingChange } from './change-handling.js';

/** A change in memory, and every delivery of it that waits for its acknowledgement. */
class HeldChange implements PendingChange {
  private acknowledgements: (() => void)[] = [];

  constructor(
    readonly change: IncomingChange,
    private readonly release: () => void,
  ) {}

  /** It came again: what is acknowledged on a connection that is gone does nothing. */
  deliveredAgain(acknowledge: () => void): void {
    this.acknowledgements.push(acknowledge);
  }

  settle(): void {
    this.release();
    for (const acknowledge of this.acknowledgements) acknowledge();
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
   * A change that was received before and is still on its way, most often because a connection died under it; it
   * is acknowledged together with the first delivery.
   * @returns whether there is one.
   */
  join(change: IncomingChange, acknowledge: () => void): boolean {
    const id = idOf(change);
    const held = id === undefined ? undefined : this.byId.get(id);
    held?.deliveredAgain(acknowledge);
    return held !== undefined;
  }

  /** Holds a change until it is settled. */
  hold(change: IncomingChange, acknowledge: () => void): PendingChange {
    const id = idOf(change);
    const bytes = change.payload.length;
    this.bytes += bytes;
    const held = new HeldChange(change, () => {
      if (id !== undefined) this.byId.delete(id);
      this.released(bytes);
    });
    held.deliveredAgain(acknowledge);
    if (id !== undefined) this.byId.set(id, held);
    return held;
  }

  private released(bytes: number): void {
    const wasFull = this.isFull;
    this.bytes -= bytes;
    if (wasFull && !this.isFull) this.hasRoom();
  }
}

/** Message ids are unique within a vessel and entity type. */
function idOf({ vesselId, entity, messageId }: IncomingChange): string | undefined {
  return messageId === undefined ? undefined : `${vesselId ?? ''}\0${entity}\0${messageId}`;
}
