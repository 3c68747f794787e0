import { Controller, Delete, Get, Header, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import { errorText } from '../../mqtt-sync/error-text.js';
import { MqttSyncError } from '../../mqtt-sync/errors.js';
import type { ParkedMessage } from '../../mqtt-sync/subscriber/inbox/inbox.js';
import { ParkedChanges } from '../../mqtt-sync/subscriber/parked-changes.js';
import { pageOf, toPage, toPosition } from '../http/page-request.js';
import { ProblemException } from '../http/problem.js';
import { IngressGuard } from '../ingress/ingress.guard.js';
import { type ParkedView, type ParkedWithPayload, toView, toViewWithPayload } from './parked-view.js';

/** One page of the list. */
export interface ParkedList {
  /** How many there are in all. */
  readonly total: number;
  /** Oldest first. */
  readonly parked: readonly ParkedView[];
  /** Give it as `after` to see the next page; absent on the last. */
  readonly next?: number;
}

const WHAT = 'parked message';

/** Incoming messages that no handler could take: to be looked at, handled again or given up. For whoever may post. */
@Controller('api/mqtt/reliable-sync/parked')
@UseGuards(IngressGuard)
export class ParkedController {
  constructor(private readonly parked: ParkedChanges) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  list(@Query() query: Readonly<Record<string, unknown>>): ParkedList {
    const { after, limit } = toPage(query);
    const { items, ...rest } = pageOf(this.parked.list(after), limit);
    return { total: this.parked.count, parked: items.map(toView), ...rest };
  }

  @Get(':position')
  @Header('Cache-Control', 'no-store')
  show(@Param('position') position: string): ParkedWithPayload {
    return toViewWithPayload(this.find(toPosition(WHAT, position)));
  }

  /** Answers when the handlers have succeeded; the message is forgotten then. */
  @Post(':position/retry')
  @HttpCode(204)
  async retry(@Param('position') text: string): Promise<void> {
    const { position } = this.find(toPosition(WHAT, text));
    let wasThere: boolean;
    try {
      wasThere = await this.parked.retry(position);
    } catch (error) {
      if (error instanceof MqttSyncError && error.retryable) throw error;
      throw new ProblemException(409, {
        code: 'PARKED_RETRY_FAILED',
        detail: `It could not be handled, and stays parked: ${errorText(error).slice(0, 500)}`,
      });
    }
    if (!wasThere) throw notFound(position);
  }

  /** Forgets it for good; it counts as handled. */
  @Delete(':position')
  @HttpCode(204)
  async discard(@Param('position') text: string): Promise<void> {
    const { position } = this.find(toPosition(WHAT, text));
    if (!(await this.parked.discard(position))) throw notFound(position);
  }

  private find(position: number): ParkedMessage {
    const message = this.parked.find(position);
    if (!message) throw notFound(position);
    return message;
  }
}

function notFound(position: number): ProblemException {
  return new ProblemException(404, {
    code: 'PARKED_NOT_FOUND',
    detail: `There is no parked message ${position}: it was handled or discarded, or never was one.`,
  });
}
