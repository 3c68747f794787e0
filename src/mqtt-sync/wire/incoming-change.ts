import type { Qos } from './entity-policies.js';
import type { Operation } from './envelope.js';

/** What one vessel numbers in a row: its changes of one entity type, in one life of its queue. */
export interface StreamId {
  readonly vesselId: string;
  /** Names one life of the vessel's queue; compare for difference, not for size. */
  readonly epoch: number;
  readonly entity: string;
}

/**
 * How much an incoming message says of itself. `envelope`: everything. `older`: an envelope of an earlier version, which
 * lacks key, epoch or sequence. `bare`: no envelope at all; the payload is the data.
 */
export type IncomingForm = 'envelope' | 'older' | 'bare';

/** A change that came from the broker, understood as far as it can be. */
export interface IncomingChange {
  readonly form: IncomingForm;
  readonly topic: string;
  readonly qos: Qos;
  /** Whether the broker had kept it for late subscribers (retain flag of the delivery). */
  readonly retained: boolean;
  /** Whether it was sent again on request: an envelope of type `catchup`. */
  readonly replayed: boolean;
  /** From the envelope; else the last level of the topic. */
  readonly entity: string;
  readonly operation: Operation | undefined;
  readonly key: string | undefined;
  readonly messageId: string | undefined;
  readonly vesselId: string | undefined;
  readonly epoch: number | undefined;
  readonly sequence: number | undefined;
  /** Of the state of an entity, which has no sequence: the newest one there was when it was read; 0: there was none. */
  readonly asOf?: number | undefined;
  /** When the change was accepted, as the sender wrote it. */
  readonly timestamp: string | undefined;
  /** What a handler gets: the data of an envelope; of a bare message its JSON, else its text. */
  readonly data: unknown;
  readonly payload: Buffer;
}
