import { Controller, Delete, Get, Header, Param, Query, UseGuards } from '@nestjs/common';
import { QueueUnavailableError } from '../../mqtt-sync/errors.js';
import { type QueuedMessage } from '../../mqtt-sync/queue/message.js';
import { SyncQueue } from '../../mqtt-sync/queue/sync-queue.js';
import { toPosition } from '../http/page-request.js';
import { ProblemException } from '../http/problem.js';
import { IngressGuard } from '../ingress/ingress.guard.js';
import { type MessageView, type MessageWithPayload, toMessageView, toMessageWithPayload } from './message-view.js';
import { type MessagesRequest, toMessagesRequest, toPurgeRequest } from './messages-request.js';

/** One page of the list. */
export interface MessageList {
  /** How many there are in the queue, of all entity types. */
  readonly total: number;
  /** By position, oldest first. */
  readonly messages: readonly (MessageView | MessageWithPayload)[];
  /** Give it as `after` to see the next page; absent on the last. */
  readonly next?: number;
}

/** What came of a purge. */
export interface Purged {
  readonly purged: number;
  /** What is in the queue now: what was sent already, what another entity type has, what came meanwhile. */
  readonly remaining: number;
}

/** A page is put together in one go, during which nothing else runs. */
const MOST_PAGE_BYTES = 4 * 1024 * 1024;

type Query = Readonly<Record<string, unknown>>;

/** The messages in the queue: to be looked at and purged. For whoever may post, since it shows payloads. */
@Controller('api/mqtt/reliable-sync/queue/messages')
@UseGuards(IngressGuard)
export class MessagesController {
  constructor(private readonly queue: SyncQueue) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  list(@Query() query: Query): MessageList {
    const request = toMessagesRequest(query);
    this.assertOpen();
    return { total: this.queue.stats().messages, ...this.page(request) };
  }

  @Get(':position')
  @Header('Cache-Control', 'no-store')
  show(@Param('position') text: string): MessageWithPayload {
    const position = toPosition('message', text);
    this.assertOpen();
    for (const message of this.queue.messages({ after: position - 1 })) {
      if (message.position === position) return toMessageWithPayload(message);
      break;
    }
    throw new ProblemException(404, {
      code: 'MESSAGE_NOT_FOUND',
      detail: `There is no message ${position} in the queue: it has left, or never was one.`,
    });
  }

  /** Drops what waits and was never sent; the other side is told of gaps. */
  @Delete()
  async purge(@Query() query: Query): Promise<Purged> {
    const purged = await this.queue.purge(toPurgeRequest(query));
    return { purged, remaining: this.queue.stats().messages };
  }

  private page({ after, limit, entity, payloads }: MessagesRequest): Pick<MessageList, 'messages' | 'next'> {
    const page: QueuedMessage[] = [];
    let bytes = 0;
    let hasMore = false;
    for (const message of this.queue.messages({ after, entity })) {
      hasMore = page.length === limit || (payloads && bytes >= MOST_PAGE_BYTES);
      if (hasMore) break;
      page.push(message);
      bytes += message.payload.length;
    }
    const messages = page.map(payloads ? toMessageWithPayload : toMessageView);
    return { messages, ...(hasMore && { next: page.at(-1)!.position }) };
  }

  /** A queue that is not open has no messages to show, which is not to say that there are none. */
  private assertOpen(): void {
    if (!this.queue.identity) throw new QueueUnavailableError('The queue is not open: see the log for the reason.');
  }
}
