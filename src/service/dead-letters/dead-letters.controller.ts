import { Controller, Delete, Get, Header, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import { type DeadLetter, SyncQueue } from '../../mqtt-sync/queue/sync-queue.js';
import {
  assertParameters,
  PAGE_PARAMETERS,
  pageOf,
  type Query as QueryParameters,
  toPage,
  toPosition,
} from '../http/page-request.js';
import { ProblemException } from '../http/problem.js';
import type { Accepted } from '../ingress/accepted.js';
import { SyncOnGuard } from '../http/sync-on.guard.js';
import { IngressGuard } from '../ingress/ingress.guard.js';
import { assertOpen, itemAt } from '../queue/looking.js';
import { type DeadLetterView, type DeadLetterWithPayload, toView, toViewWithPayload } from './dead-letter-view.js';

/** One page of the list. */
export interface DeadLetterList {
  /** How many there are in all. */
  readonly total: number;
  /** Oldest first. */
  readonly deadLetters: readonly DeadLetterView[];
  /** Give it as `after` to see the next page; absent on the last. */
  readonly next?: number;
}

/** What the broker will never take: to be looked at, tried again or given up. For whoever may post, since it shows payloads. */
@Controller('api/mqtt/reliable-sync/dead-letters')
@UseGuards(IngressGuard, SyncOnGuard)
export class DeadLettersController {
  constructor(private readonly queue: SyncQueue) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  list(@Query() query: QueryParameters): DeadLetterList {
    assertParameters(query, PAGE_PARAMETERS);
    const { after, limit } = toPage(query);
    assertOpen(this.queue);
    const { items, ...rest } = pageOf(this.queue.deadLetters(after), limit);
    return { total: this.queue.stats().deadLetters, deadLetters: items.map(toView), ...rest };
  }

  @Get(':position')
  @Header('Cache-Control', 'no-store')
  show(@Param('position') position: string): DeadLetterWithPayload {
    return toViewWithPayload(this.find(toPosition('dead letter', position)));
  }

  /** Answers when it is committed that the message is back in the queue. */
  @Post(':position/retry')
  @HttpCode(202)
  async retry(@Param('position') text: string): Promise<Accepted> {
    const { position, message, sequence } = this.find(toPosition('dead letter', text));
    if (!message) {
      throw new ProblemException(409, {
        code: 'DEAD_LETTER_DAMAGED',
        detail: 'The record of this message is damaged: it cannot be sent again, only discarded.',
      });
    }
    if (!(await this.queue.retryDeadLetter(position))) throw notFound(position);
    return { messageId: message.messageId, sequence };
  }

  /** Forgets it for good; the other side is told of a gap. */
  @Delete(':position')
  @HttpCode(204)
  async discard(@Param('position') text: string): Promise<void> {
    const position = toPosition('dead letter', text);
    if (!(await this.queue.discardDeadLetter(position))) throw notFound(position);
  }

  private find(position: number): DeadLetter {
    assertOpen(this.queue);
    const letter = itemAt((after) => this.queue.deadLetters(after), position);
    if (!letter) throw notFound(position);
    return letter;
  }
}

function notFound(position: number): ProblemException {
  return new ProblemException(404, {
    code: 'DEAD_LETTER_NOT_FOUND',
    detail: `There is no dead letter ${position}: it was retried or discarded, or never was one.`,
  });
}
