import { failureText } from '../connection/failure-text.js';
import { NotSubscribedError, StoppingError } from '../errors.js';
import type { SyncLogger } from '../logger.js';
import type { SyncEvents } from '../sync-events.js';
import type { Clock } from '../time/clock.js';
import type { IncomingChange } from '../wire/incoming-change.js';
import { attempt, type AttemptFailure } from './attempt.js';
import { Circumstances } from './circumstances.js';
import { describeChange, HandledChange, RenumberedChange } from './handled-change.js';
import type { HeldChange } from './held-changes.js';
import type { HandlerRegistry, Registration } from './handler-registry.js';
import type { InboxWriter } from './inbox-writer.js';
import type { ChangeIdentity, Inbox, ParkedDraft } from './inbox/inbox.js';
import type { ReceiverOptions } from './incoming-options.js';
import type { Pauses } from './pauses.js';
import { RunningTries } from './running-tries.js';
import { Slots } from './slots.js';
import type { UnclaimedMessages } from './unclaimed-messages.js';

/** What handling works with. */
export interface HandlingParts {
  readonly options: ReceiverOptions;
  readonly inbox: Inbox;
  readonly writer: InboxWriter;
  readonly registry: HandlerRegistry;
  readonly pauses: Pauses;
  readonly unclaimed: UnclaimedMessages;
  readonly events: Pick<SyncEvents, 'emit'>;
  readonly clock: Clock;
  readonly logger: SyncLogger;
}

/** What came of one try. */
interface Outcome {
  readonly failure: AttemptFailure | undefined;
  /** Whose turn it is again. */
  readonly failed: readonly Registration[];
}

const SUCCESS: Outcome = { failure: undefined, failed: [] };

/** What the inbox knows of a change. */
interface Memory {
  readonly isKnown: boolean;
  readonly isStale: boolean;
  /** Known by its id alone, and not at its place in its stream. */
  readonly isRenumbered: boolean;
}

/** What the inbox can know a change by; undefined for one that says nothing of itself. */
function identityOf(change: IncomingChange): ChangeIdentity | undefined {
  const { messageId, vesselId, epoch, sequence, entity, key, retained, replayed } = change;
  const identity = { messageId, vesselId, epoch, sequence, entity, key, retained, replayed };
  return messageId === undefined && sequence === undefined ? undefined : identity;
}

/**
 * Handles one change after the other: a repeat is settled at once; else its handlers run, those that failed again and again
 * for at most `retryForMs`, and then it is recorded as handled, or parked. Only after that is it settled.
 */
export class ChangeHandling {
  private readonly slots: Slots;
  private readonly running: RunningTries;

  constructor(private readonly parts: HandlingParts) {
    const { concurrency, handlerTimeoutMs } = parts.options.incoming;
    this.slots = new Slots(concurrency);
    this.running = new RunningTries(handlerTimeoutMs, parts.clock);
  }

  /** Handlers that are running just now. */
  get inProgress(): number {
    return this.running.size;
  }

  /** Resolves when the next change of the same key may begin: what was handled need not be recorded yet. */
  handle(change: IncomingChange, held: HeldChange): Promise<void> {
    const memory = this.parts.writer.ready ? undefined : this.recall(change, held);
    return memory ? this.handleNew(change, held, memory) : this.handleLater(change, held);
  }

  /**
   * Runs the handlers of a change once more, whatever the inbox knows of it.
   * @throws {NotSubscribedError} it has none. What a handler threw.
   */
  async handleOnce(change: IncomingChange): Promise<void> {
    const { registry, inbox } = this.parts;
    const handlers = registry.matching(change.entity);
    if (handlers.length === 0) {
      // Nothing would fail, and the change be taken for handled.
      throw new NotSubscribedError(
        `Nothing here handles changes of ${JSON.stringify(change.entity)}: subscribe to them first.`,
      );
    }
    const outcome = await this.tryOnce(change, handlers, inbox.isStale(change), 1);
    if (!outcome) throw new StoppingError('The process is stopping: nothing is handled any more.');
    if (outcome.failure) throw outcome.failure.error;
  }

  /** Resolves when no handler is running. */
  idle(): Promise<void> {
    return this.running.idle();
  }

  /** Tells the running handlers that nobody waits for them any more. */
  abort(reason: Error): void {
    this.running.abort(reason);
  }

  /** As soon as the inbox can be used. */
  private async handleLater(change: IncomingChange, held: HeldChange): Promise<void> {
    const { writer, pauses } = this.parts;
    if (writer.ready) await writer.ready;
    if (pauses.stopped) return;
    const memory = this.recall(change, held) ?? (await this.recallLater(change, held));
    if (memory) await this.handleNew(change, held, memory);
  }

  /** Hands it to its handlers, unless it is a repeat, or there are none. */
  private handleNew(change: IncomingChange, held: HeldChange, memory: Memory): Promise<void> {
    const { registry, pauses, events, unclaimed, writer } = this.parts;
    const { isKnown, isStale, isRenumbered } = memory;
    if (pauses.stopped) return Promise.resolve();
    const handlers = registry.matching(change.entity);
    if (!isKnown && handlers.length > 0) return this.tryUntilItWorks(change, held, handlers, isStale);
    if (isRenumbered) {
      writer.record(new RenumberedChange(change, held, this.parts));
      return Promise.resolve();
    }
    if (isKnown) events.emit('change_repeated', describeChange(change));
    else unclaimed.add(change.topic, change.entity);
    held.settle();
    return Promise.resolve();
  }

  /** What the inbox knows; undefined when it cannot be read just now. */
  private recall(change: IncomingChange, held: HeldChange): Memory | undefined {
    try {
      return this.read(change, held);
    } catch {
      return undefined;
    }
  }

  /** Asks until the inbox can be read; undefined when the stop comes first. */
  private async recallLater(change: IncomingChange, held: HeldChange): Promise<Memory | undefined> {
    let memory: Memory | undefined;
    await this.parts.writer.write(() => {
      memory = this.read(change, held);
      return Promise.resolve();
    });
    return memory;
  }

  /** @throws {QueueUnavailableError} the inbox cannot be read just now. */
  private read(change: IncomingChange, { names }: HeldChange): Memory {
    const { inbox } = this.parts;
    const isKnown = inbox.isKnown(change, names);
    const isRenumbered =
      isKnown &&
      change.sequence !== undefined &&
      !inbox.isKnown({ ...change, messageId: undefined }, { ...names, id: undefined });
    return { isKnown, isStale: inbox.isStale(change, names), isRenumbered };
  }

  private async tryUntilItWorks(
    change: IncomingChange,
    held: HeldChange,
    handlers: readonly Registration[],
    stale: boolean,
  ): Promise<void> {
    const { clock, pauses, options, events, writer } = this.parts;
    const startedMs = clock.monotonicMs();
    for (let tries = 1, left = handlers; ; tries++) {
      const outcome = await this.tryOnce(change, left, stale, tries);
      if (!outcome) return;
      const { failure, failed } = outcome;
      // Not awaited: the next change of the key need not wait for the commit, and the inbox sees it already.
      if (!failure) return writer.record(new HandledChange(change, stale, tries, held, this.parts));
      const error = failureText(failure.error);
      events.emit('change_failed', { ...describeChange(change), reason: failure.reason, attempt: tries, error });
      const leftMs = startedMs + options.incoming.retryForMs - clock.monotonicMs();
      if (pauses.stopped) return;
      if (leftMs <= 0) return this.park(change, held, { reason: failure.reason, error, attempts: tries });
      await pauses.after(tries, leftMs);
      if (pauses.stopped) return;
      left = failed;
    }
  }

  /**
   * One try of each handler, side by side; answers which of them failed, so that the others need not run again.
   * @returns undefined when the stop came first.
   */
  private async tryOnce(
    change: IncomingChange,
    handlers: readonly Registration[],
    stale: boolean,
    tries: number,
  ): Promise<Outcome | undefined> {
    const taken = this.slots.acquire();
    if (taken) await taken;
    const circumstances = new Circumstances(stale, tries);
    this.running.add(circumstances);
    try {
      if (this.parts.pauses.stopped) return undefined;
      if (handlers.length === 1) {
        const failure = await attempt(handlers[0]!.handler, change, circumstances);
        return failure ? { failure, failed: handlers } : SUCCESS;
      }
      const failures = await Promise.all(handlers.map(({ handler }) => attempt(handler, change, circumstances)));
      const failed = handlers.filter((_handler, index) => failures[index] !== undefined);
      return { failure: failures.find((failure) => failure !== undefined), failed };
    } finally {
      this.slots.release();
      this.running.delete(circumstances);
    }
  }

  private park(
    change: IncomingChange,
    held: HeldChange,
    verdict: Pick<AttemptFailure, 'reason'> & Pick<ParkedDraft, 'error' | 'attempts'>,
  ): void {
    const { inbox, events, logger, writer } = this.parts;
    const { topic, payload, qos, retained } = change;
    const draft = { topic, payload, qos, retained, identity: identityOf(change), ...verdict };
    writer.record({
      enter: () => inbox.park(draft),
      recorded: () => {
        events.emit('change_parked', { ...describeChange(change), ...verdict });
        const which = change.messageId ?? 'a message without an id';
        logger.error(
          `Parked ${which} (${change.entity}) after ${verdict.attempts} attempt(s): ${verdict.reason}, ${verdict.error}`,
        );
        held.settle();
      },
    });
  }
}
