import { Controller, Get, Header, Res } from '@nestjs/common';
import { Registry } from 'prom-client';

/** What the controller needs of an HTTP response, so that it fits both Express and Fastify. */
interface HeaderSink {
  header(name: string, value: string): unknown;
}

/** Where the metrics are unless the options say otherwise. */
export const METRICS_PATH = '/metrics';

/** Serves the metrics of one module's registry. */
@Controller(METRICS_PATH)
export class MetricsController {
  constructor(private readonly registry: Registry) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  index(@Res({ passthrough: true }) response: HeaderSink): Promise<string> {
    response.header('Content-Type', this.registry.contentType);
    return this.registry.metrics();
  }
}
