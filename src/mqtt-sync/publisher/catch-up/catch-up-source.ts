import type { Operation } from '../../wire/envelope.js';

/** Which changes are asked for: those after a sequence, or since a time; of both the first one known. */
export interface SourceQuery {
  readonly entity: string;
  /** Changes with a higher sequence than this; 0: all of them. For a source that keeps the sequences of its changes. */
  readonly afterSequence: number;
  /** Changes at or after this time; undefined: from the beginning. */
  readonly since: Date | undefined;
  /**
   * No more than these are read. Where a request has a limit, one more than it takes, which shows whether there are more;
   * else more than any source has, in 32 bits.
   */
  readonly limit: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** A change as an application can read it from its own database. */
export interface SourceChange {
  readonly operation: Operation;
  readonly key?: string;
  /** Anything with a JSON form. */
  readonly data?: unknown;
  /** When it happened. @default the time of the answer */
  readonly timestamp?: Date | string;
  /** The sequence that its receipt named, when the application keeps it. */
  readonly sequence?: number;
  /** The message id that its receipt named, when the application keeps it. @default made from what the change is */
  readonly messageId?: string;
}

/**
 * Reads changes of one entity type from the application's own database, for receivers that ask for more than the journal
 * keeps. What it yields is mostly not history but state: each entity once, as it is now. So it is sent before
 * what the journal has, and the numbers that it stands for are told as pruned. A receiver that handles a newer change of an
 * entity before its state gets the state as stale: so read it no earlier than `changes()` is called.
 *
 * A change without a message id gets one made from vessel, epoch, entity type, key and sequence or timestamp, so that
 * reading the same state twice is one change for the receiver: give at least a timestamp that changes with the entity.
 *
 * It is read as slowly as the link takes it: one with very many entities yields them page by page, or from a cursor.
 *
 * @example
 * class WorkOrderSource implements CatchUpSource {
 *   async *changes({ since, limit }: SourceQuery) {
 *     for (const order of await this.orders.changedSince(since, limit))
 *       yield { operation: 'update', key: order.id, data: order, timestamp: order.updatedAt } as const;
 *   }
 * }
 */
export interface CatchUpSource {
  changes(query: SourceQuery): AsyncIterable<SourceChange> | Iterable<SourceChange>;
}

/** The sources of the application, by entity type. */
export class CatchUpSources {
  private readonly sources = new Map<string, CatchUpSource>();

  get isEmpty(): boolean {
    return this.sources.size === 0;
  }

  /** The last one registered for an entity type counts. */
  register(entity: string, source: CatchUpSource): void {
    this.sources.set(entity, source);
  }

  get(entity: string): CatchUpSource | undefined {
    return this.sources.get(entity);
  }
}
