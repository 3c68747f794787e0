import type { SyncEvents } from '../../mqtt-sync/sync-events.js';
import type { SyncStatus } from '../../mqtt-sync/sync-status.js';
import type { CancelTimer, Clock } from '../../mqtt-sync/time/clock.js';
import { type FlowBucket, type FlowColumns, FlowSeries } from './flow-series.js';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** 15 minutes to see it move, 6 hours for the watch, a week for the voyage. */
const SERIES: readonly { readonly stepMs: number; readonly length: number }[] = [
  { stepMs: 5 * SECOND_MS, length: 180 },
  { stepMs: 2 * MINUTE_MS, length: 180 },
  { stepMs: HOUR_MS, length: 168 },
];

/** The newest delivery. */
export interface LastDelivery {
  readonly at: string;
  /** From acceptance to the broker's acknowledgement, by the wall clock. */
  readonly latencyMs: number;
}

/** What flowed through the queue in the life of this process, in memory and bounded. */
export class FlowHistory {
  private readonly series: readonly FlowSeries[];
  private acceptedSinceSample = 0;
  private deliveredBefore = 0;
  private lastLossMs: number | undefined;
  private lastDelivered: { readonly atMs: number; readonly latencyMs: number } | undefined;
  private cancel: CancelTimer | undefined;

  constructor(
    events: SyncEvents,
    private readonly sync: Pick<SyncStatus, 'queue' | 'statistics'>,
    private readonly clock: Clock,
  ) {
    const nowMs = clock.monotonicMs();
    this.series = SERIES.map(({ stepMs, length }) => new FlowSeries(stepMs, length, nowMs));
    events.on('message_accepted', () => this.acceptedSinceSample++);
    events.on('message_dropped', ({ reason }) => this.lost(reason === 'queue_full'));
    events.on('dead_letter_discarded', ({ reason }) => this.lost(reason === 'too_many'));
    events.on('message_published', ({ latencyMs }) => {
      this.lastDelivered = { atMs: clock.wallMs(), latencyMs };
    });
  }

  /** Looks once a second from now on, until `stop()`. */
  start(): void {
    this.cancel = this.clock.after(SECOND_MS, () => {
      this.sample();
      this.start();
    });
  }

  stop(): void {
    this.cancel?.();
  }

  get lastDelivery(): LastDelivery | undefined {
    if (!this.lastDelivered) return undefined;
    const { atMs, latencyMs } = this.lastDelivered;
    return { at: new Date(atMs).toISOString(), latencyMs: Math.max(0, Math.round(latencyMs)) };
  }

  /** When a change was last lost for want of room, in the queue or among the dead letters. */
  get lastLossAt(): string | undefined {
    return this.lastLossMs === undefined ? undefined : new Date(this.lastLossMs).toISOString();
  }

  /** The newest bucket of each series: what changed since the columns were read. */
  newest(): readonly FlowBucket[] {
    return this.series.map(({ newest }) => newest);
  }

  columns(): readonly FlowColumns[] {
    const nowMs = this.clock.monotonicMs();
    const wallMs = this.clock.wallMs();
    return this.series.map((series) => series.columns(nowMs, wallMs));
  }

  private lost(forRoom: boolean): void {
    if (forRoom) this.lastLossMs = this.clock.wallMs();
  }

  private sample(): void {
    const nowMs = this.clock.monotonicMs();
    const { messagesPublished } = this.sync.statistics;
    const sample = {
      accepted: this.acceptedSinceSample,
      delivered: messagesPublished - this.deliveredBefore,
      waiting: this.sync.queue.messages,
    };
    this.acceptedSinceSample = 0;
    this.deliveredBefore = messagesPublished;
    for (const series of this.series) series.add(nowMs, sample);
  }
}
