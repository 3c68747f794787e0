import { QueueUnavailableError, StoppingError } from '../../errors.js';
import type { SyncLogger } from '../../logger.js';
import type { Clock } from '../../time/clock.js';
import type { StreamId } from '../../wire/incoming-change.js';
import type { SequenceRange } from '../../wire/sequence-ranges.js';
import {
  type ChangeIdentity,
  Inbox,
  type InboxObserver,
  type InboxStats,
  type ParkedDraft,
  type ParkedMessage,
  type StreamAccount,
} from './inbox.js';
import type { InboxStore } from './inbox-store.js';
import { OpenInbox } from './open-inbox.js';
import type { InboxLimits } from './inbox-limits.js';
import { namesOf } from './names.js';

const NOTHING: InboxStats = { ids: 0, parked: 0, parkedBytes: 0, missing: 0, lost: 0 };

/** An inbox on any store: all the rules of the contract, none of the medium. */
export abstract class StoredInbox extends Inbox {
  readonly durable: boolean;
  private observer: InboxObserver | undefined;
  private opened: OpenInbox | undefined;
  private opening: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  private isFailing = false;

  constructor(
    private readonly store: InboxStore,
    private readonly limits: InboxLimits,
    private readonly clock: Clock,
    protected readonly logger: SyncLogger,
  ) {
    super();
    this.durable = store.durable;
  }

  observe(observer: InboxObserver): void {
    this.observer = observer;
  }

  async open(): Promise<void> {
    if (this.closing) throw new StoppingError('The inbox is closed.');
    if (this.opened) return;
    await (this.opening ??= this.begin().finally(() => (this.opening = undefined)));
  }

  isKnown(change: ChangeIdentity, names = namesOf(change)): boolean {
    return this.whileOpen().isKnown(change, names);
  }

  isStale(change: ChangeIdentity, names = namesOf(change)): boolean {
    return this.whileOpen().isStale(change, names);
  }

  recordHandled(change: ChangeIdentity, names = namesOf(change)): Promise<void> {
    try {
      return this.whileOpen().recordHandled(change, names);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async park(draft: ParkedDraft): Promise<void> {
    await this.whileOpen().park(draft);
  }

  async recordLost(stream: StreamId, ranges: readonly SequenceRange[]): Promise<number> {
    return this.whileOpen().recordLost(stream, ranges);
  }

  account(stream: StreamId): StreamAccount | undefined {
    return this.opened?.stream(stream)?.account();
  }

  *accounts(which?: 'with_gaps'): Iterable<StreamAccount> {
    const { opened } = this;
    const streams = which === 'with_gaps' ? opened?.streamsWithGaps() : opened?.allStreams();
    for (const stream of streams ?? []) yield stream.account();
  }

  *parked(after = 0): Iterable<ParkedMessage> {
    if (this.opened) yield* this.opened.parked(after);
  }

  async removeParked(position: number): Promise<boolean> {
    return this.whileOpen().removeParked(position);
  }

  stats(): InboxStats {
    return this.opened?.stats() ?? NOTHING;
  }

  close(): Promise<void> {
    return (this.closing ??= this.finish());
  }

  private whileOpen(): OpenInbox {
    if (this.closing) throw new StoppingError('The inbox is closing: nothing can be recorded. Do not acknowledge.');
    if (this.opened) return this.opened;
    throw new QueueUnavailableError('The inbox is not open: see the log for the reason. Do not acknowledge.');
  }

  private async begin(): Promise<void> {
    const { store, limits, clock, observer } = this;
    const contents = await store.open();
    const committed = () => this.reportSuccess();
    const failed = (error: unknown) => this.reportFailure(error);
    this.opened = new OpenInbox({ store, limits, clock, observer, committed, failed }, contents);
    for (const { missing, ...stream } of this.accounts()) {
      if (missing.length > 0) observer?.missing(stream, { from: missing[0]!.from, to: missing.at(-1)!.to });
    }
  }

  private reportFailure(cause: unknown): QueueUnavailableError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const failure = new QueueUnavailableError(
      `The inbox cannot be written just now: ${reason}. Check that the disk has room, is writable and healthy.`,
      {},
      { cause },
    );
    if (!this.isFailing) this.logger.error(`${failure.message} Incoming changes are not acknowledged meanwhile.`);
    this.isFailing = true;
    return failure;
  }

  private reportSuccess(): void {
    if (this.isFailing) this.logger.log('The inbox can be written again.');
    this.isFailing = false;
  }

  private async finish(): Promise<void> {
    if (this.opening) this.store.abandonOpening();
    await this.opening?.catch(() => undefined);
    await this.opened?.committer.settled();
    this.opened = undefined;
    await this.store.close();
  }
}
