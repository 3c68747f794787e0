import { onTestFinished } from 'vitest';
import type { ConnectionIdentity } from '../../src/mqtt-sync/connection/connection-control.js';
import { ConnectionManager } from '../../src/mqtt-sync/connection/connection-manager.js';
import { NameLookup } from '../../src/mqtt-sync/connection/name-lookup.js';
import type { IncomingLink } from '../../src/mqtt-sync/connection/incoming-link.js';
import type { Acknowledgement, Link, LinkLoss } from '../../src/mqtt-sync/connection/link.js';
import type { SyncLogger } from '../../src/mqtt-sync/logger.js';
import type { MqttSyncOptions } from '../../src/mqtt-sync/mqtt-sync.options.js';
import { resolveOptions } from '../../src/mqtt-sync/resolve-options.js';
import { SyncEvents } from '../../src/mqtt-sync/sync-events.js';
import { type Clock, systemClock } from '../../src/mqtt-sync/time/clock.js';
import { until } from './wait.js';

/** The machine's clock with waits `factor` times as short, for backoffs that a test cannot sit out. */
export function hurriedClock(factor: number): Clock {
  return {
    ...systemClock,
    after: (delayMs, callback, keepsAlive) => systemClock.after(delayMs / factor, callback, keepsAlive),
  };
}

/** Keeps every line, with its level. */
export class RecordingLogger implements SyncLogger {
  readonly lines: string[] = [];
  debug = (message: string): void => void this.lines.push(`debug ${message}`);
  log = (message: string): void => void this.lines.push(`log ${message}`);
  warn = (message: string): void => void this.lines.push(`warn ${message}`);
  error = (message: string): void => void this.lines.push(`error ${message}`);

  /** The lines that match. */
  matching(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line));
  }
}

/** Options of a recorded connection, beside those of the connection itself. */
export interface RecordedConnectionOptions extends MqttSyncOptions {
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly names?: NameLookup;
  readonly identity?: Partial<ConnectionIdentity>;
  readonly unacknowledged?: () => number;
  readonly isProbing?: () => boolean;
}

let connectionsMade = 0;

/** A connection manager that remembers everything it told its observer, its listeners and its log. */
export class RecordedConnection {
  readonly manager: ConnectionManager;
  readonly logger = new RecordingLogger();
  readonly links: (Link & IncomingLink)[] = [];
  readonly acknowledgements: Acknowledgement[] = [];
  readonly losses: LinkLoss[] = [];
  /** Names of the observer's calls and of the events, in order. */
  readonly story: string[] = [];
  drains = 0;
  readonly identity: ConnectionIdentity;

  constructor(given: RecordedConnectionOptions) {
    const {
      clock = systemClock,
      random = Math.random,
      names = new NameLookup(),
      identity,
      unacknowledged,
      isProbing = () => false,
      ...options
    } = given;
    this.identity = { clientId: `test_${process.pid}_${++connectionsMade}`, will: undefined, ...identity };
    const events = new SyncEvents(this.logger);
    events.on('connected', () => this.story.push('connected'));
    events.on('disconnected', () => this.story.push('disconnected'));
    events.on('reconnecting', ({ attempt }) => this.story.push(`reconnecting ${attempt}`));
    this.manager = new ConnectionManager(resolveOptions(options), clock, events, this.logger, random, names);
    this.manager.observe(
      {
        linked: (link) => {
          this.story.push('linked');
          this.links.push(link);
        },
        acknowledged: (_link, acknowledgement) => this.acknowledgements.push(acknowledgement),
        drained: () => this.drains++,
        lost: (_link, loss) => {
          this.story.push(`lost by ${loss.by}`);
          this.losses.push(loss);
        },
      },
      { unacknowledged: unacknowledged ?? (() => 0), isProbing },
    );
  }

  start(): void {
    this.manager.start(this.identity);
  }

  /** Waits for the n-th link. */
  async linked(count = 1, deadlineMs = 10_000): Promise<Link & IncomingLink> {
    await until(() => this.links.length >= count, { deadlineMs, what: () => `link ${count}; ${this.history()}` });
    return this.links[count - 1]!;
  }

  /** Waits for the n-th loss. */
  async lost(count = 1, deadlineMs = 10_000): Promise<LinkLoss> {
    await until(() => this.losses.length >= count, { deadlineMs, what: () => `loss ${count}; ${this.history()}` });
    return this.losses[count - 1]!;
  }

  /** Waits for so many acknowledgements. */
  async acknowledged(count: number): Promise<void> {
    await until(() => this.acknowledgements.length >= count, { what: () => `${count} acks; ${this.history()}` });
  }

  /** Waits until the last failure matches. */
  async failed(reason: RegExp): Promise<string> {
    const { manager } = this;
    const matching = () => (reason.test(manager.lastFailure ?? '') ? manager.lastFailure : undefined);
    return until(matching, { what: () => `failure ${String(reason)}; ${this.history()}` });
  }

  private history(): string {
    const { lastFailure } = this.manager;
    const log = this.logger.lines.slice(-10).join(' | ');
    return `last failure: ${lastFailure}; so far: ${this.story.slice(-10).join(', ')}; log: ${log}`;
  }
}

/** A recorded connection that is stopped at the end of the test. */
export function connectionTo(options: RecordedConnectionOptions): RecordedConnection {
  const connection = new RecordedConnection(options);
  onTestFinished(() => connection.manager.stop(0));
  return connection;
}
