import {
  type ChangeIdentity,
  Inbox,
  type InboxStats,
  type ParkedDraft,
  type ParkedMessage,
  type StreamAccount,
} from '../../src/mqtt-sync/subscriber/inbox/inbox.js';

/** Just enough of an inbox for the receiver's specs, with a commit that a test can hold up or let fail. */
export class SmallInbox extends Inbox {
  readonly durable = false;
  /** The changes recorded as handled, in order. */
  readonly handled: ChangeIdentity[] = [];
  readonly parkedMessages: ParkedMessage[] = [];
  /** Makes commits fail. */
  failure: Error | undefined;
  /** What a commit waits for. */
  commit: Promise<unknown> = Promise.resolve();
  isOpen = false;
  private readonly ids = new Set<string>();
  private readonly newest = new Map<string, number>();

  override observe(): void {}

  override open(): Promise<void> {
    this.isOpen = true;
    return Promise.resolve();
  }

  override isKnown(change: ChangeIdentity): boolean {
    if (change.messageId !== undefined && this.ids.has(change.messageId)) return true;
    return change.sequence !== undefined && this.handled.some((one) => placeOf(one) === placeOf(change));
  }

  override isStale(change: ChangeIdentity): boolean {
    return (this.newest.get(keyOf(change)) ?? 0) > (change.sequence ?? Infinity);
  }

  override async recordHandled(change: ChangeIdentity): Promise<void> {
    if (this.failure) throw this.failure;
    if (change.messageId !== undefined) this.ids.add(change.messageId);
    const newest = Math.max(this.newest.get(keyOf(change)) ?? 0, change.sequence ?? 0);
    this.newest.set(keyOf(change), newest);
    this.handled.push(change);
    await this.commit;
  }

  override async park(draft: ParkedDraft): Promise<void> {
    if (this.failure) throw this.failure;
    this.parkedMessages.push({ ...draft, position: this.parkedMessages.length + 1, parkedAtMs: 0 });
    if (draft.identity?.messageId !== undefined) this.ids.add(draft.identity.messageId);
    await this.commit;
  }

  override recordLost(): Promise<number> {
    return Promise.resolve(0);
  }

  override account(): StreamAccount | undefined {
    return undefined;
  }

  override accounts(): Iterable<StreamAccount> {
    return [];
  }

  override parked(after = 0): Iterable<ParkedMessage> {
    return this.parkedMessages.filter(({ position }) => position > after);
  }

  override removeParked(position: number): Promise<boolean> {
    const at = this.parkedMessages.findIndex((message) => message.position === position);
    if (at >= 0) this.parkedMessages.splice(at, 1);
    return Promise.resolve(at >= 0);
  }

  override stats(): InboxStats {
    return { ids: this.ids.size, parked: this.parkedMessages.length, parkedBytes: 0, missing: 0, lost: 0 };
  }

  override close(): Promise<void> {
    this.isOpen = false;
    return Promise.resolve();
  }
}

function placeOf({ vesselId, entity, epoch, sequence }: ChangeIdentity): string {
  return `${vesselId} ${entity} ${epoch} ${sequence}`;
}

function keyOf({ vesselId, entity, key }: ChangeIdentity): string {
  return `${vesselId} ${entity} ${key}`;
}
