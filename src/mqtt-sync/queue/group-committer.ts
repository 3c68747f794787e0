import { QueueUnavailableError } from '../errors.js';
import type { SyncLogger } from '../logger.js';
import { fullJitterDelay } from '../time/backoff.js';
import type { CancelTimer, Clock } from '../time/clock.js';
import type { CommitPlan } from './commit-plan.js';
import type { MessageStore } from './message-store.js';
import { UNAVAILABLE } from './reasons.js';

/** A full disk is looked at again soon, and then every few seconds for ever: looking costs next to nothing. */
const RETRY = { baseMs: 250, capMs: 5000 };
/** A healthy disk commits in milliseconds, a struggling one in seconds: after this long callers should not add to it. */
const SLOW_COMMIT_MS = 30_000;

/**
 * So long what was delivered waits for more of it to be committed together: on a slow link acknowledgements come one by one,
 * and each would have an fdatasync of its own. A process killed meanwhile sends again what came in that time.
 */
const DELIVERED_WAIT_MS = 50;

/** What a committer commits, and whom it tells. */
export interface CommitWork {
  /** The next commit; empty when there is nothing to do, undefined when the store cannot be read, see `fail()`. */
  form(accepting: boolean): CommitPlan | undefined;
  /** Something waits to be committed. */
  isPending(accepting: boolean): boolean;
  succeeded(plan: CommitPlan): void;
  /** Nothing but messages that were delivered waits to be committed, and not very many. */
  readonly canWait: boolean;
  /** A commit was written, which took so long. */
  measured(durationMs: number): void;
  /** Nothing of the plan was stored. */
  failed(plan: CommitPlan, error: QueueUnavailableError): void;
  /** No calls are answered until further notice. */
  refuseCalls(error: QueueUnavailableError): void;
  availability(available: boolean, reason: string | undefined): void;
}

/**
 * Commits in groups: one commit at a time; what is asked for meanwhile makes up the next one. Only what was delivered waits a
 * little for more of its kind.
 *
 * - working: commits as soon as something is asked for. A failed commit or read leads to `failing`.
 * - failing: calls are refused; what has to be stored is tried again with backoff, on the reserve if need be. The first
 *   commit that holds leads back to `working`, once the reserve is whole again.
 */
export class GroupCommitter {
  private inProgress: CommitPlan | undefined;
  private scheduled = false;
  /** A retry of a failing store is under way, with what comes before its commit: nothing else may begin meanwhile. */
  private recovering = false;
  private stopped = false;
  private failure: QueueUnavailableError | undefined;
  private attempt = 0;
  private cancelRetry: CancelTimer | undefined;
  private cancelWait: CancelTimer | undefined;
  private whenSettled: (() => void)[] = [];

  constructor(
    private readonly store: MessageStore,
    private readonly work: CommitWork,
    private readonly clock: Clock,
    private readonly logger: SyncLogger,
  ) {}

  /** The commit that is being stored. */
  get plan(): CommitPlan | undefined {
    return this.inProgress;
  }

  /** Why nothing can be accepted; undefined when it can. */
  get unavailable(): QueueUnavailableError | undefined {
    return this.failure;
  }

  /** There is something to commit. */
  wake(): void {
    if (this.scheduled || this.inProgress || this.failure) return;
    if (this.work.canWait) this.wait();
    else this.wakeNow();
  }

  private wait(): void {
    this.cancelWait ??= this.clock.after(DELIVERED_WAIT_MS, () => this.wakeNow());
  }

  private wakeNow(): void {
    this.endWait();
    if (this.scheduled || this.inProgress || this.failure) return;
    this.scheduled = true;
    // What else is asked for in this turn of the event loop joins in.
    setImmediate(() => {
      this.scheduled = false;
      void this.commitNext();
    });
  }

  /** The store cannot be read or written. */
  fail(cause: unknown): QueueUnavailableError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const isNew = !this.failure;
    const failure = new QueueUnavailableError(
      `${UNAVAILABLE.failing}: ${reason}. Check that the disk has room, is writable and healthy.`,
      {},
      { cause },
    );
    this.failure = failure;
    this.work.refuseCalls(failure);
    if (isNew) this.work.availability(false, failure.message);
    // What is under way sees to the next retry when it ends.
    if (!this.inProgress) this.retryLater();
    return failure;
  }

  /** Resolves when what was asked for so far is committed, or cannot be. */
  async settled(): Promise<void> {
    if (this.cancelWait) this.wakeNow();
    if (!this.inProgress && !this.scheduled && !this.recovering) return;
    await new Promise<void>((resolve) => this.whenSettled.push(resolve));
  }

  stop(): void {
    this.stopped = true;
    this.cancelRetry?.();
    this.endWait();
  }

  private async commitNext(): Promise<void> {
    // Whatever is under way settles when it ends.
    if (this.inProgress || this.recovering) return;
    if (this.failure || this.stopped) return this.settle();
    const plan = this.work.form(true);
    if (plan && !plan.isEmpty) await this.commit(plan);
    this.next(plan);
  }

  private next(plan: CommitPlan | undefined): void {
    // A recovery that began in the meantime ends here, too.
    if (this.recovering) return;
    if (this.failure) this.retryLater();
    if (this.failure || !this.work.isPending(true)) return this.settle();
    // Whoever waits for all of it does not wait for more.
    if (this.work.canWait && this.whenSettled.length === 0) return this.wait();
    this.scheduled = true;
    const commit = () => {
      this.scheduled = false;
      void this.commitNext();
    };
    // While messages are being dropped, none behind them may be taken: leave a turn between commits for that.
    if (plan && plan.going.messages > 0) setImmediate(() => setImmediate(commit));
    else setImmediate(commit);
  }

  /** @returns whether it was stored. */
  private async commit(plan: CommitPlan): Promise<boolean> {
    this.inProgress = plan;
    const cancelWatch = this.clock.after(SLOW_COMMIT_MS, () => this.reportSlowness());
    try {
      // While failing, even an empty commit is written: to see whether the store works again.
      if (!plan.writesNothing || this.failure) await this.write(plan);
    } catch (error) {
      this.inProgress = undefined;
      this.work.failed(plan, this.fail(error));
      return false;
    } finally {
      cancelWatch();
    }
    this.inProgress = undefined;
    // Not before: a store that takes a trial commit and then fails again is to be asked less and less often.
    if (plan.coming.messages > 0) this.attempt = 0;
    this.work.succeeded(plan);
    return true;
  }

  private async write(plan: CommitPlan): Promise<void> {
    const beganMs = this.clock.monotonicMs();
    await this.store.commit(plan.toCommit());
    this.work.measured(this.clock.monotonicMs() - beganMs);
  }

  private reportSlowness(): void {
    this.fail(new Error(`a commit has been taking more than ${SLOW_COMMIT_MS / 1000} s`));
  }

  private endWait(): void {
    this.cancelWait?.();
    this.cancelWait = undefined;
  }

  private settle(): void {
    for (const resolve of this.whenSettled.splice(0)) resolve();
  }

  // ---- failing

  private retryLater(): void {
    if (this.cancelRetry || this.stopped || this.recovering) return;
    this.cancelRetry = this.clock.after(fullJitterDelay(this.attempt++, RETRY), () => {
      this.cancelRetry = undefined;
      void this.recover();
    });
  }

  private async recover(): Promise<void> {
    if (this.inProgress || this.stopped) return this.retryLater();
    this.recovering = true;
    const holds = await this.tryStore();
    this.recovering = false;
    if (holds) {
      this.failure = undefined;
      this.work.availability(true, undefined);
    }
    this.next(undefined);
  }

  /** @returns whether it can be used again. */
  private async tryStore(): Promise<boolean> {
    try {
      await this.store.ensureReserve();
    } catch {
      await this.storeUpkeepOnReserve();
      return false;
    }
    const plan = this.work.form(false);
    return plan !== undefined && this.commit(plan);
  }

  /** The disk is full: what left the queue is still forgotten, so that little is sent twice after a restart. */
  private async storeUpkeepOnReserve(): Promise<void> {
    if (!this.work.isPending(false)) return;
    try {
      await this.store.releaseReserve();
    } catch (error) {
      this.logger.error(`The reserve of the queue cannot be given up: ${String(error)}`);
    }
    const plan = this.work.form(false);
    if (plan && !plan.isEmpty) await this.commit(plan);
  }
}
