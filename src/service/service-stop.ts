import type { INestApplication, LoggerService } from '@nestjs/common';

/** What the stop needs of the process, so that a test can look at it. */
export type StoppableProcess = Pick<NodeJS.Process, 'on' | 'exit'>;

/** Kept for leaving, at most and as a share of a short deadline. */
const EXIT_MARGIN_MS = 250;
const EXIT_MARGIN_SHARE = 0.1;

/** Who is speaking, in the log. */
const CONTEXT = 'Service';

/**
 * Ends the process: in order on the first SIGTERM or SIGINT, and with exit code 0 inside the deadline whatever hangs; at
 * once on the second; with exit code 1 after an error that nobody caught, because nobody knows what state it left.
 */
export class ServiceStop {
  private app: INestApplication | undefined;
  private stopping = false;

  constructor(
    private readonly host: StoppableProcess,
    private readonly deadlineMs: number,
    private readonly logger: LoggerService,
  ) {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) host.on(signal, () => this.onSignal(signal));
    // Also called for a rejection that nobody handles.
    host.on('uncaughtException', (error, origin) => {
      logger.fatal?.(
        `Ending after an ${origin}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        CONTEXT,
      );
      host.exit(1);
    });
  }

  /** Whether a stop has begun. */
  get hasBegun(): boolean {
    return this.stopping;
  }

  /** What is to be closed in order from now on. */
  watch(app: INestApplication): void {
    this.app = app;
  }

  /** Closes what was started, within the deadline, and ends the process. */
  async end(exitCode: number): Promise<void> {
    this.stopping = true;
    const marginMs = Math.min(EXIT_MARGIN_MS, this.deadlineMs * EXIT_MARGIN_SHARE);
    setTimeout(() => {
      this.logger.warn('Not everything has ended in time: leaving. What was accepted is still in the queue.', CONTEXT);
      this.host.exit(exitCode);
    }, this.deadlineMs - marginMs);
    try {
      await this.app?.close();
    } catch (error) {
      this.logger.error(
        `While stopping: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        CONTEXT,
      );
    }
    this.host.exit(exitCode);
  }

  private onSignal(signal: NodeJS.Signals): void {
    if (this.stopping) {
      this.logger.warn(`${signal} again: leaving at once.`, CONTEXT);
      this.host.exit(1);
      return;
    }
    this.logger.log(`${signal}: stopping, within ${this.deadlineMs} ms. A second signal ends it at once.`, CONTEXT);
    void this.end(0);
  }
}
