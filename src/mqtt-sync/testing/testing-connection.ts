import { ConnectionManager, type ConnectionState } from '../connection/connection-manager.js';
import { unannounced } from '../connection/connection-options.js';
import { silentLogger } from '../logger.js';
import type { ResolvedOptions } from '../resolve-options.js';
import type { Clock } from '../time/clock.js';

/** Stands for the connections to the broker: never dials, and is up until a test says otherwise. */
export class TestingConnection extends ConnectionManager {
  private loss: string | undefined;
  private isStopped = false;

  constructor(
    private readonly resolved: ResolvedOptions,
    clock: Clock,
  ) {
    super(resolved, clock, unannounced, silentLogger);
  }

  override get state(): ConnectionState {
    if (this.isStopped) return 'stopped';
    if (!this.resolved.localMode) return 'idle';
    return this.loss === undefined ? 'connected' : 'waiting';
  }

  override get isConnected(): boolean {
    return this.state === 'connected';
  }

  override get lastFailure(): string | undefined {
    return this.loss;
  }

  /** @param reason why there is no connection; undefined: there is one. */
  lose(reason: string | undefined): void {
    this.loss = reason;
  }

  override start(): void {}

  override stop(): Promise<void> {
    this.isStopped = true;
    return Promise.resolve();
  }
}
