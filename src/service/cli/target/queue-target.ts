import type { MessageSelection } from '../../../mqtt-sync/queue/sync-queue.js';
import type { DeadLetterView, DeadLetterWithPayload } from '../../dead-letters/dead-letter-view.js';
import type { Accepted } from '../../ingress/accepted.js';
import type { QueueDocument } from '../../operator/queue-document.js';
import type { MessageView, MessageWithPayload } from '../../queue/message-view.js';
import type { Purged } from '../../queue/messages.controller.js';

/** What is known of a queue: everything while its service runs, what the folder knows while it is stopped. */
export type QueueSummary = QueueDocument | StoppedQueueDocument;

/** What the folder of a stopped service knows. */
export interface StoppedQueueDocument extends Pick<QueueDocument, 'timestamp' | 'gaps'> {
  readonly state: 'stopped';
  readonly service: { readonly vesselId: string; readonly epoch: number };
  readonly queue: Omit<QueueDocument['queue'], 'open' | 'inFlight' | 'utilizationPercent'>;
}

/** A queue to work on, in a running service or in the folder of a stopped one. */
export interface QueueTarget {
  /** Names it to people. */
  readonly name: string;
  summary(): Promise<QueueSummary>;
  /** Oldest first. */
  messages(query: MessageSelection): AsyncIterable<MessageView>;
  messagesWithPayload(query: MessageSelection): AsyncIterable<MessageWithPayload>;
  /** @throws {CliError} it is not there. */
  message(position: number): Promise<MessageWithPayload>;
  /** Drops what waits; tells how many went, and what is in the queue then. */
  purge(entity: string | undefined): Promise<Purged>;
  /** Oldest first. */
  deadLetters(): AsyncIterable<DeadLetterView>;
  /** @throws {CliError} it is not there. */
  deadLetter(position: number): Promise<DeadLetterWithPayload>;
  /** @throws {CliError} it is not there, or cannot be sent again. */
  retry(position: number): Promise<Accepted>;
  /** @throws {CliError} it is not there. */
  discard(position: number): Promise<void>;
  close(): Promise<void>;
}
