import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Request } from 'express';
import { MQTT_SYNC_OPTIONS } from '../../mqtt-sync/mqtt-sync.module-definition.js';
import type { ResolvedOptions } from '../../mqtt-sync/resolve-options.js';
import { type BodyLimits, bodyLimits, readJson } from './json-body.js';

/** Reads the JSON body. An interceptor, because it comes after the guards: nothing is read for who may not post. */
@Injectable()
export class JsonBodyInterceptor implements NestInterceptor {
  private readonly limits: BodyLimits;

  constructor(@Inject(MQTT_SYNC_OPTIONS) { maxMessageBytes }: ResolvedOptions) {
    this.limits = bodyLimits(maxMessageBytes);
  }

  async intercept(context: ExecutionContext, next: CallHandler) {
    const request = context.switchToHttp().getRequest<Request>();
    request.body = await readJson(request, this.limits);
    return next.handle();
  }
}
