import 'reflect-metadata';
import { posix } from 'node:path';
import { HealthDocumentController } from '../../src/health/health-document.controller.js';
import { ProbesController } from '../../src/health/probes.controller.js';
import { MetricsController } from '../../src/metrics/metrics.controller.js';

/** Paths that a GET answers. */
export const routes = new Set(
  [ProbesController, MetricsController, HealthDocumentController].flatMap((controller) => {
    const base = Reflect.getMetadata('path', controller) as string;
    const members = Object.entries(Object.getOwnPropertyDescriptors(controller.prototype));
    const handlers = members.filter(([name]) => name !== 'constructor');
    return handlers.flatMap(([, { value }]: [string, { value?: unknown }]) => {
      const path = Reflect.getMetadata('path', value as object) as string | undefined;
      return path === undefined ? [] : posix.join('/', base, path).replace(/(?<=.)\/$/, '');
    });
  }),
);

/** Paths in a text that look like ours. */
export const mentionedRoutes = (text: string): string[] =>
  [...text.matchAll(/\/(?:health|metrics|api)[\w/-]*/g)].map(([path]) => path);
