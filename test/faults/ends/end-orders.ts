import type { MqttSyncOptions } from '../../../src/mqtt-sync/mqtt-sync.options.js';

/** What one end in a process of its own is told, as JSON in its only argument. */
export interface EndOrders {
  readonly options: MqttSyncOptions;
  /** The file that it appends to: every line is one write, so that no kill can lose a line once it was written. */
  readonly log: string;
  /** 1 for its first life. */
  readonly life: number;
  /** Changes to publish in this life. */
  readonly messages: number;
  /** Keys over all entity types. */
  readonly keys: number;
  /** Calls that are made before the first of them is awaited. */
  readonly burst: number;
}

/** Calls of one life stay below this, so that lives can be numbered. */
export const CALLS_PER_LIFE = 10_000_000;
