import { failureText } from '../connection/failure-text.js';
import { StoppingError } from '../errors.js';
import { type SyncLogger } from '../logger.js';
import { type ChangeEvent, type SyncEvents } from '../sync-events.js';
import { type Clock } from '../time/clock.js';
import { type IncomingChange } from '../wire/incoming-change.js';
import { attempt, type AttemptFailure } from './attempt.js';
import { Circumstances } from './circumstances.js';
import { type HandlerRegistry, type Registration } from './handler-registry.js';
import { type InboxWriter } from './inbox-writer.js';
import { type ChangeIdentity, type Inbox, type ParkedDraft } from './inbox/inbox.js';
import { type ReceiverOptions } from './incoming-options.js';
import { type Pauses } from './pauses.js';
import { Slots } from './slots.js';
import { type UnclaimedMessages } from './unclaimed-messages.js';

/** A change on its way through, until it may be acknowledged. */
export interface PendingChange {
  readonly change: IncomingChange;
  /** It is recorded, or needs no record: acknowledge it. */
  settle(): void;
}

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

/** What an event says of a change. */
export function describeChange(change: IncomingChange): ChangeEvent {
  const { topic, form, replayed, entity, operation, key, messageId, vesselId, epoch, sequence } = change;
  return { topic, form, replayed, entity, operation, key, messageId, vesselId, epoch, sequence };
}

/** What the inbox knows of a change. */
interface Memory {
  readonly isKnown: boolean;
  readonly isStale: boolean;
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
  private readonly running = new Set<Circumstances>();
  private whenIdle: (() => void)[] = [];

  constructor(private readonly parts: HandlingParts) {
    this.slots = new Slots(parts.options.incoming.concurrency);
  }

  /** Handlers that are running just now. */
  get inProgress(): number {
    return this.running.size;
  }

  /** Resolves when the next change of the same key may begin: what was handled need not be recorded yet. */
  async handle(pending: PendingChange): Promise<void> {
    const { writer, registry, pauses, events, unclaimed } = this.parts;
    const { change } = pending;
    if (writer.ready) await writer.ready;
    if (pauses.stopped) return;
    const memory = this.recall(change) ?? (await this.recallLater(change));
    if (!memory) return;
    if (memory.isKnown) {
      events.emit('change_repeated', describeChange(change));
      return pending.settle();
    }
    const handlers = registry.matching(change.entity);
    if (handlers.length === 0) {
      unclaimed.add(change.topic, change.entity);
      return pending.settle();
    }
    await this.tryUntilItWorks(pending, handlers, memory.isStale);
  }

  /** Runs the handlers of a change once more, whatever the inbox knows of it. @throws what a handler threw. */
  async handleOnce(change: IncomingChange): Promise<void> {
    const { registry, inbox } = this.parts;
    const outcome = await this.tryOnce(change, registry.matching(change.entity), inbox.isStale(change), 1);
    if (!outcome) throw new StoppingError('The process is stopping: nothing is handled any more.');
    if (outcome.failure) throw outcome.failure.error;
  }

  /** Resolves when no handler is running. */
  idle(): Promise<void> {
    return this.running.size === 0 ? Promise.resolve() : new Promise((resolve) => this.whenIdle.push(resolve));
  }

  /** Tells the running handlers that nobody waits for them any more. */
  abort(reason: Error): void {
    for (const circumstances of this.running) circumstances.abort(reason);
  }

  /** What the inbox knows; undefined when it cannot be read just now. */
  private recall(change: IncomingChange): Memory | undefined {
    const { inbox } = this.parts;
    try {
      return { isKnown: inbox.isKnown(change), isStale: inbox.isStale(change) };
    } catch {
      return undefined;
    }
  }

  /** Asks until the inbox can be read; undefined when the stop comes first. */
  private async recallLater(change: IncomingChange): Promise<Memory | undefined> {
    const { inbox, writer } = this.parts;
    let memory: Memory | undefined;
    await writer.write(() => {
      memory = { isKnown: inbox.isKnown(change), isStale: inbox.isStale(change) };
      return Promise.resolve();
    });
    return memory;
  }

  private async tryUntilItWorks(
    pending: PendingChange,
    handlers: readonly Registration[],
    stale: boolean,
  ): Promise<void> {
    const { clock, pauses, options, events } = this.parts;
    const { change } = pending;
    const startedMs = clock.monotonicMs();
    for (let tries = 1, left = handlers; ; tries++) {
      const outcome = await this.tryOnce(change, left, stale, tries);
      if (!outcome) return;
      const { failure, failed } = outcome;
      if (!failure) return this.record(pending, stale, tries);
      const error = failureText(failure.error);
      events.emit('change_failed', { ...describeChange(change), reason: failure.reason, attempt: tries, error });
      const leftMs = startedMs + options.incoming.retryForMs - clock.monotonicMs();
      if (pauses.stopped) return;
      if (leftMs <= 0) return this.park(pending, { reason: failure.reason, error, attempts: tries });
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
  ): Promise<{ failure: AttemptFailure | undefined; failed: readonly Registration[] } | undefined> {
    const { clock, options, pauses } = this.parts;
    const taken = this.slots.acquire();
    if (taken) await taken;
    const circumstances = new Circumstances(stale, tries);
    this.running.add(circumstances);
    try {
      if (pauses.stopped) return undefined;
      const { handlerTimeoutMs } = options.incoming;
      const run = ({ handler }: Registration) =>
        attempt(() => handler(change, circumstances), circumstances, handlerTimeoutMs, clock);
      const failures = handlers.length === 1 ? [await run(handlers[0]!)] : await Promise.all(handlers.map(run));
      const failed = handlers.filter((_handler, index) => failures[index] !== undefined);
      return { failure: failures.find((failure) => failure !== undefined), failed };
    } finally {
      this.slots.release();
      this.running.delete(circumstances);
      if (this.running.size === 0) for (const resolve of this.whenIdle.splice(0)) resolve();
    }
  }

  /** Not awaited: the next change of the key need not wait for the commit, and the inbox sees it already. */
  private record(pending: PendingChange, stale: boolean, attempts: number): void {
    const { inbox, events } = this.parts;
    const { change } = pending;
    this.write(
      () => inbox.recordHandled(change),
      pending,
      () => events.emit('change_handled', { ...describeChange(change), stale, attempts }),
    );
  }

  private park(
    pending: PendingChange,
    verdict: Pick<AttemptFailure, 'reason'> & Pick<ParkedDraft, 'error' | 'attempts'>,
  ): void {
    const { inbox, events, logger } = this.parts;
    const { change } = pending;
    const { topic, payload, qos, retained } = change;
    const draft = { topic, payload, qos, retained, identity: identityOf(change), ...verdict };
    this.write(
      () => inbox.park(draft),
      pending,
      () => {
        events.emit('change_parked', { ...describeChange(change), ...verdict });
        const which = change.messageId ?? 'a message without an id';
        logger.error(
          `Parked ${which} (${change.entity}) after ${verdict.attempts} attempt(s): ${verdict.reason}, ${verdict.error}`,
        );
      },
    );
  }

  private write(call: () => Promise<unknown>, pending: PendingChange, recorded: () => void): void {
    void this.parts.writer.write(call).then((done) => {
      if (!done) return;
      recorded();
      pending.settle();
    });
  }
}
