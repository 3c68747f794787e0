import { type DeadLetterView, type DeadLetterWithPayload } from '../../dead-letters/dead-letter-view.js';
import { type Accepted } from '../../ingress/accepted.js';
import { type QueueDocument } from '../../operator/queue-document.js';
import { type MessageView, type MessageWithPayload } from '../../queue/message-view.js';

/** What is known of a queue: everything while its service runs, what the folder knows while it is stopped. */
export type QueueSummary = QueueDocument | StoppedQueueDocument;

/** What the folder of a stopped service knows. */
export interface StoppedQueueDocument extends Pick<QueueDocument, 'timestamp' | 'gaps'> {
  readonly state: 'stopped';
  readonly service: { readonly vesselId: string; readonly epoch: number };
  readonly queue: Omit<QueueDocument['queue'], 'inFlight' | 'utilizationPercent'>;
}

/** Which messages. */
export interface MessageQuery {
  readonly entity?: string | undefined;
  /** Only those with a larger position. */
  readonly after?: number | undefined;
}

/** A queue to work on, in a running service or in the folder of a stopped one. */
export interface QueueTarget {
  /** Names it to people. */
  readonly name: string;
  summary(): Promise<QueueSummary>;
  /** Oldest first. */
  messages(query: MessageQuery): AsyncIterable<MessageView>;
  messagesWithPayload(query: MessageQuery): AsyncIterable<MessageWithPayload>;
  /** @throws {CliError} it is not there. */
  message(position: number): Promise<MessageWithPayload>;
  /** Drops what waits; tells how many went, and what is in the queue then. */
  purge(entity: string | undefined): Promise<{ readonly purged: number; readonly remaining: number }>;
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
