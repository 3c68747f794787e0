import { QueueUnavailableError, StoppingError } from '../errors.js';
import type { SyncLogger } from '../logger.js';
import type { Clock } from '../time/clock.js';
import { type Lane, LANES } from '../wire/lanes.js';
import type { SequenceRange } from '../wire/sequence-ranges.js';
import { countKeys } from './count-keys.js';
import type { EntityStream } from './entity-stream.js';
import { identify } from './identify.js';
import type { AcceptedMessage, MessageDraft, QueuedMessage } from './message.js';
import type { MessageStore, StoreContents } from './message-store.js';
import { OpenQueue } from './open-queue.js';
import { NO_HISTORY, type QueueHistory } from './queue-history.js';
import { UNAVAILABLE } from './reasons.js';
import type { QueueLimits } from './room-maker.js';
import {
  type DeadLetter,
  type DeadLetterVerdict,
  type LaneStats,
  type MessageFate,
  type MessageSelection,
  type QueueIdentity,
  type QueueObserver,
  type QueueStats,
  SyncQueue,
  type VesselClaim,
} from './sync-queue.js';

/** Dead letters read at once when they are listed. */
const LETTERS_PER_READ = 16;

const EMPTY_LANE: LaneStats = { messages: 0, bytes: 0, oldestAcceptedAtMs: undefined };
const EMPTY_LANES = Object.fromEntries(LANES.map((lane) => [lane, EMPTY_LANE])) as Record<Lane, LaneStats>;

/**
 * A queue on any store: all the rules of the contract, none of the medium.
 *
 * What callers ask for is gathered in `PendingWork`; the `GroupCommitter` has one commit at a time made of it by the
 * `CommitFormer`; `Outcome` makes a stored commit true in memory and tells about it. Between commits nothing that is not
 * stored is visible, except that a message that was delivered or set aside leaves the count at once.
 */
export abstract class StoredQueue extends SyncQueue {
  readonly durable: boolean;
  private observer: QueueObserver | undefined;
  private opened: OpenQueue | undefined;
  private opening: Promise<QueueIdentity> | undefined;
  private closing: Promise<void> | undefined;

  constructor(
    private readonly store: MessageStore,
    private readonly limits: QueueLimits,
    private readonly clock: Clock,
    protected readonly logger: SyncLogger,
  ) {
    super();
    this.durable = store.durable;
  }

  get identity(): QueueIdentity | undefined {
    return this.opened?.identity;
  }

  get history(): QueueHistory {
    return this.opened?.history ?? NO_HISTORY;
  }

  observe(observer: QueueObserver): void {
    this.observer = observer;
  }

  async open(claim: VesselClaim | undefined): Promise<QueueIdentity> {
    if (this.opened) return this.opened.identity;
    if (this.closing) throw new StoppingError('The queue is closed.');
    this.opening ??= this.begin(claim).finally(() => (this.opening = undefined));
    return this.opening;
  }

  private async begin(claim: VesselClaim | undefined): Promise<QueueIdentity> {
    try {
      const opened = await this.openStore(claim);
      await opened.start();
      if (this.closing) {
        opened.close();
        await opened.committer.settled();
        throw new StoppingError('The queue was closed while it opened.');
      }
      // Only now: whoever sees an identity may call accept().
      this.opened = opened;
      return opened.identity;
    } catch (error) {
      await this.store.close();
      throw error;
    }
  }

  private async openStore(claim: VesselClaim | undefined): Promise<OpenQueue> {
    const { store, limits, clock, logger, observer } = this;
    const opened = await store.open();
    const contents = { ...opened, deadLetters: await this.countLetters(opened) };
    const { identity, isNew } = identify(claim, contents, clock, logger);
    if (isNew) await store.begin(identity);
    const kept = isNew ? { ...contents, types: [], gaps: new Map<string, never>() } : contents;
    return new OpenQueue({ identity, store, limits, clock, logger, observer }, kept);
  }

  /** Where there seem to be too many dead letters they are counted, before sound ones have to go for a wrong number. */
  private async countLetters({ deadLetters }: StoreContents): Promise<number> {
    if (deadLetters <= this.limits.maxDeadLetters) return deadLetters;
    const count = await countKeys((after, limit) =>
      this.readLetters(() => this.store.deadLetterKeysAfter(after, limit)),
    );
    if (count !== deadLetters)
      this.logger.warn(`The store says it holds ${deadLetters} dead letter(s), but there are ${count}.`);
    return count;
  }

  accept(drafts: readonly MessageDraft[]): Promise<readonly AcceptedMessage[]> {
    const queue = this.whileOpen();
    return queue instanceof OpenQueue ? queue.accept(drafts) : Promise.reject(queue);
  }

  take(lane: Lane, admits: (entity: string) => boolean): QueuedMessage | undefined {
    return this.opened?.take(lane, admits);
  }

  putBack(messages: readonly QueuedMessage[]): void {
    this.opened?.putBack(messages);
  }

  untake(messages: readonly QueuedMessage[]): void {
    this.opened?.untake(messages);
  }

  remove(messages: readonly QueuedMessage[]): void {
    for (const message of messages) this.opened?.depart(message, undefined);
  }

  setAside(message: QueuedMessage, verdict: DeadLetterVerdict): void {
    this.opened?.depart(message, verdict);
  }

  fateOf(message: Pick<AcceptedMessage, 'entity' | 'position' | 'sequence'>): MessageFate {
    return this.opened?.view.fateOf(message) ?? 'left';
  }

  stats(): QueueStats {
    const { maxMessages, maxBytes } = this.limits;
    if (this.opened) return this.opened.view.stats();
    return {
      ...{ messages: 0, bytes: 0, maxMessages, maxBytes, lanes: EMPTY_LANES, oldestAcceptedAtMs: undefined },
      ...{
        deadLetters: 0,
        untoldGaps: 0,
        storesAside: 0,
        available: false,
        unavailableReason: UNAVAILABLE.notOpen,
      },
    };
  }

  gaps(): ReadonlyMap<string, readonly SequenceRange[]> {
    return this.opened?.view.gaps() ?? new Map<string, never>();
  }

  forgetGaps(entity: string, ranges: readonly SequenceRange[]): void {
    this.opened?.forgetGaps(entity, ranges);
  }

  *messages(selection: MessageSelection = {}): Iterable<QueuedMessage> {
    const { opened } = this;
    if (opened && !this.closing) yield* opened.view.messages(selection);
  }

  async purge({ entity }: Pick<MessageSelection, 'entity'> = {}): Promise<number> {
    const upTo = this.opened?.view.newestPosition ?? 0;
    let purged = 0;
    for (;;) {
      const queue = this.whileOpen();
      if (!(queue instanceof OpenQueue)) throw queue;
      const count = await queue.callPurge({ entity, upTo });
      if (count === 0) break;
      purged += count;
    }
    if (purged > 0) {
      const which = entity === undefined ? '' : ` of "${entity}"`;
      this.logger.warn(`${purged} waiting message(s)${which} were purged by hand: they are dropped, and told as gaps.`);
    }
    return purged;
  }

  *deadLetters(after = -1): Iterable<DeadLetter> {
    for (let last = after; this.opened && !this.closing;) {
      const letters = this.readLetters(() => this.store.deadLettersAfter(last, LETTERS_PER_READ));
      if (letters.length === 0) return;
      for (const { letter } of letters) yield letter;
      last = letters.at(-1)!.key.position;
    }
  }

  retryDeadLetter(position: number): Promise<boolean> {
    return this.callLetter(position, 'retry');
  }

  discardDeadLetter(position: number): Promise<boolean> {
    return this.callLetter(position, 'discard');
  }

  async settled(): Promise<void> {
    await this.opened?.committer.settled();
  }

  close(): Promise<void> {
    return (this.closing ??= this.finish());
  }

  /** What a queue does with what is left when it closes; nothing, where the store keeps it. */
  protected leaveBehind(_streams: Iterable<EntityStream>, _observer: QueueObserver | undefined): void {}

  private readLetters<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw new QueueUnavailableError(
        'The dead letters cannot be read just now. Check that the disk is healthy.',
        {},
        { cause: error },
      );
    }
  }

  private async callLetter(position: number, action: 'retry' | 'discard'): Promise<boolean> {
    const queue = this.whileOpen();
    if (!(queue instanceof OpenQueue)) throw queue;
    return queue.callLetter(position, action);
  }

  private whileOpen(): OpenQueue | StoppingError | QueueUnavailableError {
    if (this.closing)
      return new StoppingError('The queue is closing: changes are refused. Try again after the restart.');
    return this.opened ?? new QueueUnavailableError('The queue is not open. Changes cannot be accepted just now.');
  }

  private async finish(): Promise<void> {
    if (this.opening) this.store.abandonOpening();
    // Who opens closes the store again on seeing this.
    await this.opening?.catch(() => undefined);
    await this.settled();
    if (this.opened) this.leaveBehind(this.opened.streams, this.observer);
    this.opened?.close();
    await this.store.close();
  }
}
