import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { adopt, end, hasEnded } from './children.js';
import { until } from './until.js';

/** What the demo reads of the health document. */
export interface Health {
  readonly status: 'healthy' | 'degraded';
  readonly mqtt: {
    readonly status: 'connected' | 'disconnected';
    readonly queuedMessages: number;
    readonly reconnectAttempts: number;
  };
  readonly reasons: readonly string[];
}

/** Where and how the service runs. */
export interface ServiceSetup {
  readonly httpPort: number;
  readonly brokerPort: number;
  readonly queueDir: string;
  readonly logFile: string;
}

const MAIN = fileURLToPath(new URL('../../dist/service/main.js', import.meta.url));

/** Long enough for a busy machine; a start takes about a second. */
const START_DEADLINE_MS = 20_000;

/** The service as a user would run it: `node dist/service/main.js`, configured by its environment alone. */
export class ServiceProcess {
  private child: ChildProcess | undefined;
  private reportExit: (reason: Error) => void = () => undefined;

  constructor(private readonly setup: ServiceSetup) {}

  get baseUrl(): string {
    return `http://127.0.0.1:${this.setup.httpPort}`;
  }

  get healthUrl(): string {
    return `${this.baseUrl}/api/mqtt/reliable-sync/health`;
  }

  get changesUrl(): string {
    return `${this.baseUrl}/api/mqtt/reliable-sync/changes`;
  }

  get isRunning(): boolean {
    return this.child !== undefined && !hasEnded(this.child);
  }

  /** Calls back if the service ends although nobody asked it to. */
  onUnexpectedExit(report: (reason: Error) => void): void {
    this.reportExit = report;
  }

  /** Starts the service and waits until it can accept changes. */
  async start(signal: AbortSignal): Promise<void> {
    const log = openSync(this.setup.logFile, 'a');
    const child = adopt(spawn(process.execPath, [MAIN], { env: this.environment(), stdio: ['ignore', log, log] }));
    closeSync(log);
    this.child = child;
    child.once('exit', (code, killedBy) => {
      if (this.child === child) this.reportExit(new Error(`the service ended with ${killedBy ?? code}`));
    });
    await until('the service to be ready', () => this.isReady(), { deadlineMs: START_DEADLINE_MS, signal });
  }

  /** SIGKILL: no goodbye, no last write. */
  async kill(): Promise<void> {
    await this.finish('SIGKILL');
  }

  /** SIGTERM, as a supervisor would; resolves to the exit code. */
  async stop(): Promise<number | null> {
    return this.finish('SIGTERM');
  }

  /** The health document; undefined while nobody answers. */
  async health(): Promise<Health | undefined> {
    try {
      const response = await fetch(this.healthUrl, { signal: AbortSignal.timeout(2_000) });
      return response.ok ? ((await response.json()) as Health) : undefined;
    } catch {
      return undefined;
    }
  }

  /** The last lines that the service logged. */
  logTail(lines = 15): string {
    return readFileSync(this.setup.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  private async finish(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.child;
    this.child = undefined;
    return child ? end(child, signal, 10_000) : null;
  }

  private async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.baseUrl}/health/ready`, { signal: AbortSignal.timeout(2_000) })).ok;
    } catch {
      return false;
    }
  }

  private environment(): NodeJS.ProcessEnv {
    const { httpPort, brokerPort, queueDir } = this.setup;
    return {
      // Nothing that the caller has set for a service of their own may get in here.
      PATH: process.env.PATH,
      SystemRoot: process.env.SystemRoot,
      HOST: '127.0.0.1',
      PORT: String(httpPort),
      VESSEL_ID: 'mv_aurora',
      MQTT_BROKER_URL: `mqtt://127.0.0.1:${brokerPort}`,
      MQTT_QUEUE_DIR: queueDir,
      // The demo has no time for the long pauses that suit a satellite link.
      MQTT_RECONNECT_MAX_S: '1',
      // The live figures below ask four times a second.
      HEALTH_RATE_LIMIT: '6000',
    };
  }
}
