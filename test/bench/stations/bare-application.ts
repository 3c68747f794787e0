// The least that answers like the health document: a Nest application with a rate limit, and a document that never changes.
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { composeHealthDocument } from '../../../src/health/health-document.js';
import { FakeSync } from '../../helpers/fake-sync.js';
import { HEALTH_PATH, HEALTH_RATE_LIMIT } from '../rig/health-callers.js';

const DOCUMENT = composeHealthDocument(new FakeSync().status, new Date());

@Controller(HEALTH_PATH)
@UseGuards(ThrottlerGuard)
class ConstantController {
  @Get()
  read() {
    return DOCUMENT;
  }
}

@Module({
  imports: [ThrottlerModule.forRoot([{ ttl: 60_000, limit: HEALTH_RATE_LIMIT }])],
  controllers: [ConstantController],
})
class BareModule {}

const app = await NestFactory.create<NestExpressApplication>(BareModule, { logger: ['error'] });
app.enableShutdownHooks();
await app.listen(Number(process.env.PORT), '127.0.0.1');
console.log(`Listening: ${(app.getHttpServer().address() as AddressInfo).port}`);
