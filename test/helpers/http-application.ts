import { type DynamicModule, Global, Module, type Provider } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import { onTestFinished } from 'vitest';
import { ProblemFilter } from '../../src/service/http/problem.filter.js';
import { ServiceHttpAdapter } from '../../src/service/http/service-http-adapter.js';

/** Modules of the service over HTTP as the service itself has them, on a port of its own; closed with the test. */
export async function serveModules(...imports: DynamicModule[]): Promise<NestExpressApplication> {
  const moduleRef = await Test.createTestingModule({ imports }).compile();
  const app = moduleRef.createNestApplication<NestExpressApplication>(new ServiceHttpAdapter(), {
    logger: false,
    bodyParser: false,
  });
  onTestFinished(() => app.close());
  app.useGlobalFilters(new ProblemFilter());
  await app.listen(0, '127.0.0.1');
  return app;
}

@Global()
@Module({})
class ProvidingModule {}

/** What a module of the service finds in the global `MqttSyncModule`. */
export function provided(...providers: (Provider & { readonly provide: unknown })[]): DynamicModule {
  return { module: ProvidingModule, providers, exports: providers.map(({ provide }) => provide as string) };
}

/** Requests to a module of the service that needs these providers. */
export async function serveWith(
  module: DynamicModule,
  ...providers: (Provider & { readonly provide: unknown })[]
): Promise<ReturnType<typeof request>> {
  const app = await serveModules(provided(...providers), module);
  return request(app.getHttpServer());
}
