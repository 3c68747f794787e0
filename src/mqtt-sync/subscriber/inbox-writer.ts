import { failureText } from '../connection/failure-text.js';
import { type SyncLogger } from '../logger.js';
import { type Pauses } from './pauses.js';

/** Records in the inbox, again and again until it works: what cannot be recorded must not be acknowledged. */
export class InboxWriter {
  private underWay = 0;
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

  /** Resolves with `true` when the call has succeeded, with `false` when the stop came first. */
  async write(call: () => Promise<unknown>): Promise<boolean> {
    this.underWay++;
    try {
      for (let tries = 1; ; tries++) {
        try {
          await call();
          if (this.failure !== undefined) this.succeeded();
          return true;
        } catch (error) {
          this.failed(error);
        }
        await this.pauses.after(tries);
        if (this.pauses.stopped) return false;
      }
    } finally {
      this.underWay--;
      if (this.underWay === 0) for (const resolve of this.whenIdle.splice(0)) resolve();
    }
  }

  /** Resolves when nothing is being recorded. */
  settled(): Promise<void> {
    return this.underWay === 0 ? Promise.resolve() : new Promise((resolve) => this.whenIdle.push(resolve));
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
