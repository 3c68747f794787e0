import { Controller, Delete, Get, Header, Param, Query, UseGuards } from '@nestjs/common';
import type { QueuedMessage } from '../../mqtt-sync/queue/message.js';
import { SyncQueue } from '../../mqtt-sync/queue/sync-queue.js';
import { pageOf, type Query as QueryParameters, toPosition } from '../http/page-request.js';
import { ProblemException } from '../http/problem.js';
import { SyncOnGuard } from '../http/sync-on.guard.js';
import { IngressGuard } from '../ingress/ingress.guard.js';
import { assertOpen, itemAt } from './looking.js';
import { type MessageView, type MessageWithPayload, toMessageView, toMessageWithPayload } from './message-view.js';
import { toMessagesRequest, toPurgeRequest } from './messages-request.js';

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

/** The messages in the queue: to be looked at and purged. For whoever may post, since it shows payloads. */
@Controller('api/mqtt/reliable-sync/queue/messages')
@UseGuards(IngressGuard, SyncOnGuard)
export class MessagesController {
  constructor(private readonly queue: SyncQueue) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  list(@Query() query: QueryParameters): MessageList {
    const { after, limit, entity, payloads } = toMessagesRequest(query);
    assertOpen(this.queue);
    let bytes = 0;
    const isFull = ({ payload }: QueuedMessage) => {
      bytes += payload.length;
      return payloads && bytes >= MOST_PAGE_BYTES;
    };
    const { items, ...rest } = pageOf(this.queue.messages({ after, entity }), limit, isFull);
    const messages = items.map(payloads ? toMessageWithPayload : toMessageView);
    return { total: this.queue.stats().messages, messages, ...rest };
  }

  @Get(':position')
  @Header('Cache-Control', 'no-store')
  show(@Param('position') text: string): MessageWithPayload {
    const position = toPosition('message', text);
    assertOpen(this.queue);
    const message = itemAt((after) => this.queue.messages({ after }), position);
    if (message) return toMessageWithPayload(message);
    throw new ProblemException(404, {
      code: 'MESSAGE_NOT_FOUND',
      detail: `There is no message ${position} in the queue: it has left, or never was one.`,
    });
  }

  /** Drops what waits and was never sent; the other side is told of gaps. */
  @Delete()
  async purge(@Query() query: QueryParameters): Promise<Purged> {
    const purged = await this.queue.purge(toPurgeRequest(query));
    return { purged, remaining: this.queue.stats().messages };
  }
}
