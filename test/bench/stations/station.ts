import type { ContenderId } from '../contenders.js';

/** How a station of a contender is set up. */
export interface StationOptions {
  readonly contender: ContenderId;
  readonly brokerUrl: string;
  /** Folder of the disk queue. */
  readonly dir: string;
  /** Cap of the publisher's backoff, in seconds; small where the time to reconnect is not what is measured. */
  readonly reconnectMaxS: number;
  /** @default the publisher's own default */
  readonly queueLimit?: number;
}

/** A contender at work in a process of its own. */
export interface Station {
  /** Ready to accept, with or without a broker. */
  open(): Promise<void>;
  isConnected(): boolean;
  /** Accepts a large backlog in large batches, where the contender has them. */
  gather?(entity: string, count: number): Promise<void>;
  /** Accepts so many changes; what that means is the contender's business. */
  publish(entity: string, first: number, count: number): Promise<void>;
  /** Publishes one change that overtakes the others, where the contender knows such. */
  alert?(number: number, qos: 1 | 2): Promise<AlertTimes>;
  /** So many changes have been acknowledged by the broker since the start. */
  readonly delivered: number;
  close(): Promise<void>;
}

/** How the process itself fared. */
interface LoopDelay {
  /** 99th percentile, in milliseconds. */
  readonly loopDelayP99Ms: number;
}

export interface SteadyResult extends LoopDelay {
  readonly elapsedMs: number;
}

export interface PaceResult extends LoopDelay {
  readonly perSecond: number;
}

/** When the stages of an alert were reached, on the clock of `nowMs()`. */
export interface AlertTimes {
  readonly calledMs: number;
  readonly acceptedMs: number;
  readonly acknowledgedMs: number;
}

export interface StationUsage {
  readonly cpuMs: number;
  readonly delivered: number;
}

/** What the process of a station can be asked to do. */
export interface StationCalls {
  open(options: StationOptions): Promise<void>;
  connected(): Promise<void>;
  publish(params: { readonly entity: string; readonly first: number; readonly count: number }): Promise<void>;
  gather(params: { readonly entity: string; readonly count: number }): Promise<void>;
  /** Resolves when so many changes have been delivered since the start. */
  delivered(count: number): Promise<void>;
  /** When so many each had been delivered since the start, on the clock of `nowMs()`; ascending. */
  passing(counts: readonly number[]): Promise<number[]>;
  /** Publishes so many and waits for their delivery. */
  steady(params: { readonly first: number; readonly count: number }): Promise<SteadyResult>;
  /** Publishes at a steady rate. */
  pace(params: { readonly perSecond: number; readonly seconds: number }): Promise<PaceResult>;
  alert(params: { readonly number: number; readonly qos: 1 | 2 }): Promise<AlertTimes>;
  usage(): StationUsage;
  close(): Promise<void>;
}
