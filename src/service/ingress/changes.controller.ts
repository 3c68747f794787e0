import { Body, Controller, HttpCode, Post, UseGuards, UseInterceptors } from '@nestjs/common';
import { MqttSyncError } from '../../mqtt-sync/errors.js';
import { SyncPublisher } from '../../mqtt-sync/publisher/sync-publisher.service.js';
import { JsonBodyInterceptor } from '../http/json-body.interceptor.js';
import { problemOf } from '../http/problem.js';
import { type Accepted, toAccepted } from './accepted.js';
import { toChange, toChanges } from './change-body.js';
import { IngressGuard } from './ingress.guard.js';

/** Takes changes over HTTP, one by one or several, all or nothing. */
@Controller('api/mqtt/reliable-sync/changes')
@UseGuards(IngressGuard)
@UseInterceptors(JsonBodyInterceptor)
export class ChangesController {
  constructor(private readonly publisher: SyncPublisher) {}

  @Post()
  @HttpCode(202)
  post(@Body() body: unknown): Promise<Accepted | Accepted[]> {
    return Array.isArray(body) ? this.many(body) : this.one(body);
  }

  private async one(body: unknown): Promise<Accepted> {
    const { entity, operation, data, ...options } = toChange(body);
    return toAccepted(await this.publisher.publish(entity, operation, data, options));
  }

  private async many(body: readonly unknown[]): Promise<Accepted[]> {
    const changes = toChanges(body);
    try {
      return (await this.publisher.publishMany(changes)).map(toAccepted);
    } catch (error) {
      throw error instanceof MqttSyncError ? problemOf(error, error.index) : error;
    }
  }
}
