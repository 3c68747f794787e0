import type { ConnectionView } from '../../mqtt-sync/connection/connection-control.js';
import type { SyncEvents } from '../../mqtt-sync/sync-events.js';
import type { CancelTimer, Clock } from '../../mqtt-sync/time/clock.js';
import type { OutageFile } from './outage-file.js';
import { type Outage, Outages } from './outages.js';
import { SoonWritten } from './soon-written.js';

/** A start that connects sooner is no outage. */
const START_MS = 10_000;
const TOUCH_INTERVAL_MS = 60_000;
const STARTING = 'the service was starting';
const NOT_RUNNING = 'the service did not run';

/** The outage that is going on. */
interface CurrentOutage {
  readonly fromMs: number;
  readonly reason: string;
}

/** Since when the connection is as it is, and when there was none; also of earlier lives where there is a file. */
export class OutageHistory {
  private outages = new Outages();
  private current: CurrentOutage | undefined;
  private changedAtMs: number;
  private knownSinceMs: number;
  private spokenProtocol: string | undefined;
  private cancelTouch: CancelTimer | undefined;
  private readonly written: SoonWritten;
  private readonly startedAtMs: number;

  /** @param file where to remember; undefined: this life only. */
  constructor(
    events: SyncEvents,
    private readonly connection: Pick<ConnectionView, 'isConnected' | 'lastFailure'>,
    private readonly clock: Clock,
    private readonly file: OutageFile | undefined,
  ) {
    this.written = new SoonWritten(clock, () => this.write());
    const nowMs = clock.wallMs();
    this.startedAtMs = this.changedAtMs = this.knownSinceMs = nowMs;
    this.current = { fromMs: nowMs, reason: STARTING };
    events.on('connected', ({ protocol }) => {
      this.spokenProtocol = protocol;
      this.connected();
    });
    events.on('disconnected', ({ reason }) => this.disconnected(reason));
    events.on('reconnecting', () => this.note());
  }

  /** Reads what earlier lives knew; the time between them and now is told as such. */
  async load(): Promise<void> {
    const known = await this.file?.read();
    if (known && known.lastSeenMs <= this.startedAtMs) {
      const { lastSeenMs, current } = known;
      const before = new Outages(known.outages);
      if (current) {
        before.add({ kind: 'disconnected', ...current, toMs: Math.max(current.fromMs, lastSeenMs), count: 1 });
      }
      before.add({ kind: 'not_running', fromMs: lastSeenMs, toMs: this.startedAtMs, reason: NOT_RUNNING, count: 1 });
      for (const outage of this.outages.toArray()) before.add(outage);
      this.outages = before;
      this.knownSinceMs = known.sinceMs;
    }
    await this.written.now();
    this.touch();
  }

  /** Writes what is known for the next life. */
  async stop(): Promise<void> {
    this.cancelTouch?.();
    await this.written.now();
  }

  /** When the connection came to be as it is. */
  get since(): string {
    return new Date(this.changedAtMs).toISOString();
  }

  /** From when on outages are known. */
  get knownSince(): string {
    return new Date(this.knownSinceMs).toISOString();
  }

  /** MQTT version of the connection; undefined when there is none. */
  get protocol(): string | undefined {
    return this.connection.isConnected ? this.spokenProtocol : undefined;
  }

  /** The outages that are over, oldest first. */
  get past(): readonly Outage[] {
    return this.outages.toArray();
  }

  /** The outage that is going on, with the newest reason. */
  get ongoing(): CurrentOutage | undefined {
    const { current } = this;
    return current && { fromMs: current.fromMs, reason: this.connection.lastFailure ?? current.reason };
  }

  private connected(): void {
    const nowMs = this.clock.wallMs();
    const { current } = this;
    this.current = undefined;
    this.changedAtMs = nowMs;
    if (!current) return;
    const isStart = current.fromMs === this.startedAtMs && nowMs - current.fromMs < START_MS;
    if (!isStart)
      this.outages.add({ kind: 'disconnected', ...current, toMs: Math.max(current.fromMs, nowMs), count: 1 });
    this.written.soon();
  }

  private disconnected(reason: string): void {
    const nowMs = this.clock.wallMs();
    this.changedAtMs = nowMs;
    this.current = { fromMs: nowMs, reason };
    this.written.soon();
  }

  /** An attempt follows one that failed: its reason is the newest there is. */
  private note(): void {
    if (this.current) this.current = { ...this.current, reason: this.connection.lastFailure ?? this.current.reason };
  }

  private write(): Promise<void> | undefined {
    const { knownSinceMs: sinceMs, past: outages, ongoing: current } = this;
    return this.file?.write({ sinceMs, outages, ...(current && { current }) });
  }

  private touch(): void {
    if (!this.file) return;
    this.cancelTouch = this.clock.after(TOUCH_INTERVAL_MS, () => {
      void this.file?.touch(this.clock.wallMs());
      this.touch();
    });
  }
}
