import {
  DeliveryAbortedError,
  DeliveryTimeoutError,
  MessageDeadLetteredError,
  MessageDroppedError,
  type MqttSyncError,
  StoppingError,
} from '../errors.js';
import type { AcceptedMessage } from '../queue/message.js';
import type { MessageFate, SyncQueue } from '../queue/sync-queue.js';
import type { Clock } from '../time/clock.js';

/** How long and whether to wait for a delivery. */
export interface DeliveredOptions {
  /** Milliseconds to wait. @default for ever */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Ends a wait: with an error, or well. */
type Settle = (error: MqttSyncError | undefined) => void;

interface Waiters {
  readonly message: AcceptedMessage;
  readonly settles: Set<Settle>;
}

/** What a fate means to somebody who waits for the delivery. */
function errorOf(fate: MessageFate, { messageId, entity }: AcceptedMessage): MqttSyncError | undefined {
  const details = { messageId, entity };
  if (fate === 'dropped')
    return new MessageDroppedError(`Message ${messageId} was dropped: the queue was full.`, details);
  if (fate === 'dead_lettered') {
    return new MessageDeadLetteredError(`Message ${messageId} was set aside as a dead letter.`, details);
  }
  return undefined;
}

/** Lets callers wait for the delivery of single messages; keeps something only for those that do. */
export class DeliveryWatch {
  private readonly waiters = new Map<number, Waiters>();
  private stopped = false;

  constructor(
    private readonly queue: Pick<SyncQueue, 'fateOf'>,
    private readonly clock: Clock,
  ) {}

  async delivered(message: AcceptedMessage, { timeoutMs, signal }: DeliveredOptions = {}): Promise<void> {
    const { messageId } = message;
    const fate = this.queue.fateOf(message);
    const error =
      fate === 'waiting' && this.stopped
        ? new StoppingError(`The process stopped before message ${messageId} was delivered.`, { messageId })
        : errorOf(fate, message);
    if (error) throw error;
    if (fate !== 'waiting') return;
    const aborted = new DeliveryAbortedError(`The wait for message ${messageId} was aborted.`, { messageId });
    if (signal?.aborted) throw aborted;
    await new Promise<void>((resolve, reject) => {
      const settle: Settle = (failure) => {
        cancelTimer?.();
        signal?.removeEventListener('abort', onAbort);
        this.forget(message.position, settle);
        if (failure) reject(failure);
        else resolve();
      };
      const onAbort = () => settle(aborted);
      const onTimeout = () =>
        settle(
          new DeliveryTimeoutError(`Message ${messageId} was not delivered within ${timeoutMs} ms.`, { messageId }),
        );
      const cancelTimer = timeoutMs === undefined ? undefined : this.clock.after(timeoutMs, onTimeout);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.remember(message, settle);
    });
  }

  /** A message left the queue. */
  left(position: number): void {
    const waiters = this.waiters.get(position);
    if (waiters) this.look(waiters);
  }

  /**
   * Something has become of messages, or can be told of them again, and nobody knows of which.
   * @param entity those of this entity type only. @default all
   */
  recheck(entity?: string): void {
    for (const waiters of [...this.waiters.values()]) {
      if (entity === undefined || waiters.message.entity === entity) this.look(waiters);
    }
  }

  /** The process stops: who still waits is told so. */
  stop(): void {
    this.stopped = true;
    for (const { message, settles } of [...this.waiters.values()]) {
      const { messageId } = message;
      const error = new StoppingError(`The process stops before message ${messageId} was delivered.`, { messageId });
      for (const settle of [...settles]) settle(error);
    }
  }

  private look({ message, settles }: Waiters): void {
    const fate = this.queue.fateOf(message);
    if (fate === 'waiting') return;
    const error = errorOf(fate, message);
    for (const settle of [...settles]) settle(error);
  }

  private remember(message: AcceptedMessage, settle: Settle): void {
    const waiters = this.waiters.get(message.position);
    if (waiters) waiters.settles.add(settle);
    else this.waiters.set(message.position, { message, settles: new Set([settle]) });
  }

  private forget(position: number, settle: Settle): void {
    const waiters = this.waiters.get(position);
    waiters?.settles.delete(settle);
    if (waiters?.settles.size === 0) this.waiters.delete(position);
  }
}
