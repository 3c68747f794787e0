import { Body, Controller, HttpCode, Post, UseGuards, UseInterceptors } from '@nestjs/common';
import { CatchUp } from '../../mqtt-sync/subscriber/catch-up/catch-up.js';
import type { CatchUpQuery } from '../../mqtt-sync/subscriber/catch-up/catch-up-query.js';
import { JsonBodyInterceptor } from '../http/json-body.interceptor.js';
import { SyncOnGuard } from '../http/sync-on.guard.js';
import { IngressGuard } from '../ingress/ingress.guard.js';

/** A request that the broker has. */
export interface CatchUpAccepted {
  /** The gap message that ends the answer bears it. */
  readonly requestId: string;
}

/** Asks a vessel for changes again; the answer comes to whoever listens at the broker. */
@Controller('api/mqtt/reliable-sync/catchup')
@UseGuards(IngressGuard, SyncOnGuard)
@UseInterceptors(JsonBodyInterceptor)
export class CatchUpController {
  constructor(private readonly catchUp: CatchUp) {}

  @Post()
  @HttpCode(202)
  async ask(@Body() query: unknown): Promise<CatchUpAccepted> {
    // Checked there, whatever it is.
    return { requestId: await this.catchUp.ask(query as CatchUpQuery) };
  }
}
