import { errorText } from './error-text.js';
import type { SyncErrorCode } from './errors.js';
import type { SyncLogger } from './logger.js';
import type { Qos } from './wire/entity-policies.js';
import type { Operation } from './wire/envelope.js';
import type { IncomingChange, StreamId } from './wire/incoming-change.js';
import type { Lane } from './wire/lanes.js';
import type { Range, SequenceRange } from './wire/sequence-ranges.js';

/** Names one message in an event. */
export interface MessageEvent {
  readonly messageId: string;
  readonly entity: string;
  readonly operation: Operation;
  readonly sequence: number;
  readonly qos: Qos;
  readonly lane: Lane;
  /** The entity's id, when the change has one. */
  readonly key: string | undefined;
}

/** Names one incoming change in an event; what it does not say of itself is undefined. */
export type ChangeEvent = Pick<
  IncomingChange,
  | 'topic'
  | 'form'
  | 'retained'
  | 'replayed'
  | 'entity'
  | 'operation'
  | 'key'
  | 'messageId'
  | 'vesselId'
  | 'epoch'
  | 'sequence'
>;

/** Every event of the library, by name. */
export interface SyncEventMap {
  /** The publisher's connection is up. */
  connected: { readonly protocol: '5' | '3.1.1'; readonly sessionPresent: boolean };
  /** The publisher's connection went down. */
  disconnected: { readonly reason: string };
  /** A connection attempt begins that is not the process's first; `attempt` counts since the last connection. */
  reconnecting: { readonly attempt: number };
  /** The receiver's connection is up. */
  receiver_connected: { readonly protocol: '5' | '3.1.1'; readonly sessionPresent: boolean };
  /** The receiver's connection went down. */
  receiver_disconnected: { readonly reason: string };
  /** A message is on disk (or in memory, with the memory store). */
  message_accepted: MessageEvent;
  /** A message has to wait: accepted while not connected, or its connection died before the acknowledgement. */
  message_queued: MessageEvent & { readonly reason: 'not_connected' | 'connection_lost' };
  /** The broker acknowledged a message (QoS 0: written to the socket). */
  message_published: MessageEvent & {
    /** Milliseconds from acceptance to delivery, by the wall clock. */
    readonly latencyMs: number;
    /** Sent again without knowing whether the broker had it already. */
    readonly possibleDuplicate: boolean;
  };
  /** A message was dropped for want of room or by hand, or is left behind by a memory store. */
  message_dropped: MessageEvent & { readonly reason: 'queue_full' | 'memory_store_stopped' | 'purged' };
  /** A message was set aside: the broker will never take it, or its record is damaged. */
  message_dead_lettered: {
    readonly entity: string;
    readonly sequence: number;
    /** Names the dead letter. */
    readonly position: number;
    /** Undefined when the record is damaged. */
    readonly messageId: string | undefined;
    readonly reason: string;
    readonly reasonCode: number | undefined;
  };
  /** A dead letter is gone for good: there were more than are kept (`too_many`), or somebody gave it up. It becomes a gap. */
  dead_letter_discarded: {
    readonly entity: string;
    readonly sequence: number;
    readonly position: number;
    /** Undefined when the record is damaged. */
    readonly messageId: string | undefined;
    readonly reason: 'too_many' | 'by_hand';
  };
  /** So many accepted messages are not in the store though they should be: it must be damaged. They become gaps. */
  messages_missing: { readonly entity: string; readonly count: number };
  /** A dead letter was put back into the queue, with its old id and sequence. */
  message_retried: MessageEvent;
  /**
   * A `publish()` was rejected (`rejected`), the broker refused a message (`refused`), or an attempt died with its
   * connection (`connection_lost`).
   */
  publish_failed: {
    readonly cause: 'rejected' | 'refused' | 'connection_lost';
    readonly entity: string | undefined;
    readonly code: SyncErrorCode | undefined;
  };
  /** What the queue held at the connect has all left it on that connection. */
  queue_flushed: { readonly messages: number; readonly durationMs: number };
  /** A group of accepted and delivered messages was written to the store, fdatasync included. */
  store_committed: { readonly durationMs: number };
  /** An incoming change was handled by everybody who wants it, and the inbox has recorded that. */
  change_handled: ChangeEvent & {
    /** A newer change of its key had been handled before. */
    readonly stale: boolean;
    readonly attempts: number;
  };
  /** A try to handle an incoming change failed; it is tried again, or parked. */
  change_failed: ChangeEvent & {
    readonly reason: 'handler_failed' | 'handler_timed_out';
    readonly attempt: number;
    readonly error: string;
  };
  /** An incoming message was set aside, with its error: it failed for too long, or nobody can read or believe it. */
  change_parked: ChangeEvent & {
    readonly reason: 'handler_failed' | 'handler_timed_out' | 'not_parsable' | 'topic_mismatch';
    readonly attempts: number;
    readonly error: string;
  };
  /** An incoming change came again: acknowledged, not handled. */
  change_repeated: ChangeEvent;
  /** A change of our own came back: acknowledged, not handled. */
  change_echoed: ChangeEvent;
  /** An incoming message is for nobody here, and was acknowledged: its subscription outlived its handler, or the type of its envelope is unknown. */
  change_unclaimed: { readonly topic: string; readonly entity: string | undefined };
  /** Changes of another vessel have not come, though later ones have, and the grace is over. Told again after a restart. */
  gap_detected: StreamId & { readonly ranges: readonly Range[]; readonly count: number };
  /** Another vessel says that it will never send these changes; each number is told once. */
  gap_told: StreamId & { readonly ranges: readonly SequenceRange[]; readonly count: number };
  /** The oldest parked message had to make room for a newer one, and is gone. */
  parked_discarded: { readonly position: number; readonly topic: string; readonly reason: string };
  /** The accepting side of the queue changed: `false` while the store cannot take messages. */
  queue_availability: { readonly available: boolean; readonly reason: string | undefined };
}

/** What it returns is not waited for. */
type Listener<Name extends keyof SyncEventMap> = (event: SyncEventMap[Name]) => unknown;

interface Registration {
  readonly listener: Listener<never>;
  readonly isOnce: boolean;
}

/**
 * Typed events of one module. A listener that throws, or an asynchronous one that rejects, is logged and does not disturb
 * the others, nor the library. Node's `EventEmitter` has no such promise, and copying its listeners to keep it costs several
 * times as much as calling them.
 */
export class SyncEvents {
  /** Lists are never changed, only replaced, so that listeners may come and go while an event is told. */
  private readonly registrations = new Map<keyof SyncEventMap, readonly Registration[]>();

  constructor(private readonly logger: SyncLogger) {}

  on<Name extends keyof SyncEventMap>(name: Name, listener: Listener<Name>): this {
    return this.add(name, { listener, isOnce: false });
  }

  once<Name extends keyof SyncEventMap>(name: Name, listener: Listener<Name>): this {
    return this.add(name, { listener, isOnce: true });
  }

  /** Takes a listener off, once for each call when it was registered more than once. */
  off<Name extends keyof SyncEventMap>(name: Name, listener: Listener<Name>): this {
    const registration = this.registered(name).findLast((registered) => registered.listener === listener);
    if (registration) this.remove(name, registration);
    return this;
  }

  emit<Name extends keyof SyncEventMap>(name: Name, event: SyncEventMap[Name]): void {
    for (const registration of this.registered(name)) {
      // Whoever publishes while told of a failure may have used it up already.
      if (registration.isOnce && !this.remove(name, registration)) continue;
      try {
        const returned = (registration.listener as Listener<Name>)(event);
        // Most return nothing, and there are several for every message.
        if (returned !== undefined) this.follow(name, returned);
      } catch (error) {
        this.report(name, error);
      }
    }
  }

  /** An unhandled rejection would end the process. */
  private follow(name: keyof SyncEventMap, returned: unknown): void {
    if (typeof (returned as PromiseLike<unknown> | null)?.then !== 'function') return;
    (returned as PromiseLike<unknown>).then(undefined, (error: unknown) => this.report(name, error));
  }

  private report(name: keyof SyncEventMap, error: unknown): void {
    this.logger.error(`A listener of "${name}" threw: ${errorText(error)}`);
  }

  private add(name: keyof SyncEventMap, registration: Registration): this {
    this.registrations.set(name, [...this.registered(name), registration]);
    return this;
  }

  /** @returns whether it was there. */
  private remove(name: keyof SyncEventMap, registration: Registration): boolean {
    const registered = this.registered(name);
    const others = registered.filter((other) => other !== registration);
    this.registrations.set(name, others);
    return others.length < registered.length;
  }

  private registered(name: keyof SyncEventMap): readonly Registration[] {
    return this.registrations.get(name) ?? NONE;
  }
}

const NONE: readonly Registration[] = [];
