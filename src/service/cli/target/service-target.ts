import type { MessageSelection } from '../../../mqtt-sync/queue/sync-queue.js';
import type { DeadLetterView, DeadLetterWithPayload } from '../../dead-letters/dead-letter-view.js';
import type { DeadLetterList } from '../../dead-letters/dead-letters.controller.js';
import type { Accepted } from '../../ingress/accepted.js';
import type { QueueDocument } from '../../operator/queue-document.js';
import type { MessageView, MessageWithPayload } from '../../queue/message-view.js';
import type { MessageList, Purged } from '../../queue/messages.controller.js';
import type { QueueTarget } from './queue-target.js';
import type { ServiceClient, ServiceRequest } from './service-client.js';

const PAGE = 200;

type Query = NonNullable<ServiceRequest['query']>;

/** The queue of a running service, over HTTP. */
export class ServiceTarget implements QueueTarget {
  constructor(private readonly client: ServiceClient) {}

  get name(): string {
    return this.client.address.url;
  }

  summary(): Promise<QueueDocument> {
    return this.client.ask('/queue');
  }

  messages(query: MessageSelection): AsyncIterable<MessageView> {
    return this.listMessages({ ...query, payloads: false });
  }

  messagesWithPayload(query: MessageSelection): AsyncIterable<MessageWithPayload> {
    return this.listMessages({ ...query, payloads: true }) as AsyncIterable<MessageWithPayload>;
  }

  message(position: number): Promise<MessageWithPayload> {
    return this.client.ask(`/queue/messages/${position}`);
  }

  purge(entity: string | undefined): Promise<Purged> {
    return this.client.ask('/queue/messages', { method: 'DELETE', query: { entity } });
  }

  async *deadLetters(): AsyncIterable<DeadLetterView> {
    for await (const { deadLetters } of this.pages<DeadLetterList>('/dead-letters', {})) yield* deadLetters;
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

  private async *listMessages(query: Query): AsyncIterable<MessageView> {
    for await (const { messages } of this.pages<MessageList>('/queue/messages', query)) yield* messages;
  }

  /** The pages of a list, asked for one by one. */
  private async *pages<Page extends { readonly next?: number }>(path: string, query: Query): AsyncIterable<Page> {
    for (let next: Query | undefined = query; next !== undefined;) {
      const page: Page = await this.client.ask(path, { query: { ...next, limit: PAGE } });
      yield page;
      next = page.next === undefined ? undefined : { ...query, after: page.next };
    }
  }
}
