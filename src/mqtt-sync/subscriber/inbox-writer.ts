import { failureText } from '../connection/failure-text.js';
import type { SyncLogger } from '../logger.js';
import type { Pauses } from './pauses.js';

/** Something to be recorded in the inbox. */
export interface Entry {
  /** Enters it; resolves when that is safe. Called again when it could not be recorded. Never throws. */
  enter(): Promise<unknown>;
  /** It is recorded. */
  recorded(): void;
}

/** What one commit makes safe. */
interface Batch {
  readonly committed: Promise<unknown>;
  readonly entries: Entry[];
}

/** Records in the inbox, again and again until it works: what cannot be recorded must not be acknowledged. */
export class InboxWriter {
  private underWay = 0;
  private batch: Batch | undefined;
  private failure: string | undefined;
  private recovered: Promise<void> | undefined;
  private recover: () => void = () => {};
  private whenIdle: (() => void)[] = [];

  constructor(
    private readonly pauses: Pauses,
    private readonly logger: SyncLogger,
  ) {}

  /** Why the inbox does not take anything just now; undefined when it does. */
  get unavailableReason(): string | undefined {
    return this.failure;
  }

  /** To be awaited before a handler runs: while nothing can be recorded, nothing more should happen that must be. */
  get ready(): Promise<void> | undefined {
    return this.recovered;
  }

  /** Records an entry, unless the stop comes first. Those of one commit share its promise: there is one for thousands. */
  record(entry: Entry): void {
    const committed = entry.enter();
    if (this.batch?.committed !== committed) this.batch = this.follow(committed);
    this.batch.entries.push(entry);
  }

  /** Resolves with `true` when the call has succeeded, with `false` when the stop came first. */
  write(call: () => Promise<unknown>): Promise<boolean> {
    return this.writeAfter(0, call);
  }

  /** Resolves when nothing is being recorded. */
  settled(): Promise<void> {
    return this.underWay === 0 ? Promise.resolve() : new Promise((resolve) => this.whenIdle.push(resolve));
  }

  private follow(committed: Promise<unknown>): Batch {
    const batch: Batch = { committed, entries: [] };
    this.underWay++;
    const end = (tell: (entry: Entry) => void): void => {
      if (this.batch === batch) this.batch = undefined;
      batch.entries.forEach(tell);
      this.ended();
    };
    committed.then(
      () => {
        if (this.failure !== undefined) this.succeeded();
        end((entry) => entry.recorded());
      },
      (error: unknown) => {
        this.failed(error);
        end((entry) => void this.recordAgain(entry));
      },
    );
    return batch;
  }

  private async recordAgain(entry: Entry): Promise<void> {
    if (await this.writeAfter(1, () => entry.enter())) entry.recorded();
  }

  /** After so many tries that failed. */
  private async writeAfter(failedTries: number, call: () => Promise<unknown>): Promise<boolean> {
    this.underWay++;
    try {
      for (let tries = failedTries; ; tries++) {
        if (tries > 0) await this.pauses.after(tries);
        if (tries > 0 && this.pauses.stopped) return false;
        try {
          await call();
          if (this.failure !== undefined) this.succeeded();
          return true;
        } catch (error) {
          this.failed(error);
        }
      }
    } finally {
      this.ended();
    }
  }

  private ended(): void {
    this.underWay--;
    if (this.underWay === 0) for (const resolve of this.whenIdle.splice(0)) resolve();
  }

  private failed(error: unknown): void {
    const reason = failureText(error);
    if (reason !== this.failure)
      this.logger.error(
        `The inbox cannot record what was handled, so nothing is acknowledged; trying again: ${reason}`,
      );
    this.failure = reason;
    this.recovered ??= new Promise((resolve) => (this.recover = resolve));
  }

  private succeeded(): void {
    this.failure = undefined;
    this.recovered = undefined;
    this.recover();
    this.logger.log('The inbox records again.');
  }
}
