import { Controller, Get, Header, type MessageEvent, Sse } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { LiveStream } from './live-stream.js';
import { queueDocument, type QueueDocument } from './queue-document.js';
import { ViewComposer } from './view-composer.js';

/** Enough for the snapshot and a minute of changes; a client that reads more slowly is cut, and comes back. */
const MOST_PENDING_CHARACTERS = 256 * 1024;

/** What is in the queue and how its connection is, at once and live. As open as the health document: numbers only. */
@Controller('api/mqtt/reliable-sync')
export class OperatorController {
  constructor(
    private readonly composer: ViewComposer,
    private readonly live: LiveStream,
  ) {}

  @Get('queue')
  @Header('Cache-Control', 'no-store')
  queue(): QueueDocument {
    return queueDocument(this.composer.compose(), Date.now());
  }

  @Sse('events', { maxPendingDataLength: MOST_PENDING_CHARACTERS })
  events(): Observable<MessageEvent> {
    return this.live.open();
  }
}
