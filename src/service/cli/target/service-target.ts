import { type DeadLetterView, type DeadLetterWithPayload } from '../../dead-letters/dead-letter-view.js';
import { type DeadLetterList } from '../../dead-letters/dead-letters.controller.js';
import { type Accepted } from '../../ingress/accepted.js';
import { type QueueDocument } from '../../operator/queue-document.js';
import { type MessageView, type MessageWithPayload } from '../../queue/message-view.js';
import { type MessageList } from '../../queue/messages.controller.js';
import { type MessageQuery, type QueueTarget } from './queue-target.js';
import { type ServiceClient } from './service-client.js';

const PAGE = 200;

/** The queue of a running service, over HTTP. */
export class ServiceTarget implements QueueTarget {
  constructor(private readonly client: ServiceClient) {}

  get name(): string {
    return this.client.address.url;
  }

  summary(): Promise<QueueDocument> {
    return this.client.ask('/queue');
  }

  messages(query: MessageQuery): AsyncIterable<MessageView> {
    return this.pages(query, false);
  }

  messagesWithPayload(query: MessageQuery): AsyncIterable<MessageWithPayload> {
    return this.pages(query, true) as AsyncIterable<MessageWithPayload>;
  }

  message(position: number): Promise<MessageWithPayload> {
    return this.client.ask(`/queue/messages/${position}`);
  }

  purge(entity: string | undefined): Promise<{ purged: number; remaining: number }> {
    return this.client.ask('/queue/messages', { method: 'DELETE', query: { entity } });
  }

  async *deadLetters(): AsyncIterable<DeadLetterView> {
    for (let after: number | undefined = -1; after !== undefined;) {
      const query = { limit: PAGE, ...(after >= 0 && { after }) };
      const page: DeadLetterList = await this.client.ask('/dead-letters', { query });
      yield* page.deadLetters;
      after = page.next;
    }
  }

  deadLetter(position: number): Promise<DeadLetterWithPayload> {
    return this.client.ask(`/dead-letters/${position}`);
  }

  retry(position: number): Promise<Accepted> {
    return this.client.ask(`/dead-letters/${position}/retry`, { method: 'POST' });
  }

  async discard(position: number): Promise<void> {
    await this.client.ask(`/dead-letters/${position}`, { method: 'DELETE' });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async *pages({ entity, after }: MessageQuery, payloads: boolean): AsyncIterable<MessageView> {
    for (let last: number | undefined = after ?? -1; last !== undefined;) {
      const query = { limit: PAGE, entity, payloads, ...(last >= 0 && { after: last }) };
      const page: MessageList = await this.client.ask('/queue/messages', { query });
      yield* page.messages;
      last = page.next;
    }
  }
}
