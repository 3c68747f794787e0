import type { AcceptedMessage } from '../queue/message.js';
import type { DeliveredOptions, DeliveryWatch } from './delivery-watch.js';

/** What `publish()` resolves with: the message is accepted. */
export interface Receipt {
  readonly messageId: string;
  /** Its number among the changes of its entity type; undefined when skipped. */
  readonly sequence: number | undefined;
  /** Whether it survives the process: it is on disk. */
  readonly durable: boolean;
  /** Whether it has to wait because there is no connection just now. */
  readonly waiting: boolean;
  /** Whether sync is off (`localMode: false`): nothing was stored and nothing will be sent. */
  readonly skipped: boolean;
  /**
   * Resolves when the broker has acknowledged the message (at once when skipped). Nothing is kept for it until it is called.
   * @throws {MessageDroppedError} it was dropped for want of room.
   * @throws {MessageDeadLetteredError} the broker will never take it.
   * @throws {DeliveryTimeoutError} not within `timeoutMs`.
   * @throws {DeliveryAbortedError} `signal` was aborted.
   * @throws {StoppingError} the process stops first; with the disk store the message is still there.
   */
  delivered(options?: DeliveredOptions): Promise<void>;
}

/** The receipt of a message that is in the queue. */
export function receiptOf(
  accepted: AcceptedMessage,
  durable: boolean,
  waiting: boolean,
  watch: DeliveryWatch,
): Receipt {
  const { messageId, sequence } = accepted;
  const delivered = (options?: DeliveredOptions) => watch.delivered(accepted, options);
  return { messageId, sequence, durable, waiting, skipped: false, delivered };
}

/** The receipt of a change while sync is off. */
export function skippedReceipt(messageId: string): Receipt {
  return {
    messageId,
    sequence: undefined,
    durable: false,
    waiting: false,
    skipped: true,
    delivered: () => Promise.resolve(),
  };
}
