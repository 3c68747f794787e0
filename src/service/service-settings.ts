import * as z from 'zod';
import { LOG_LEVELS, parseCategoryLevels } from './log-levels.js';

const port = z.int('expected a whole number').min(0, 'expected 0 to 65535').max(65_535, 'expected 0 to 65535');

/** What a token may look like, so that it fits into a header: RFC 6750, section 2.1. */
const BEARER_TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

export const serviceSettings = z.strictObject({
  port: port.default(5000),
  host: z.string().min(1).default('0.0.0.0'),
  ingressToken: z
    .string()
    .regex(
      BEARER_TOKEN,
      'expected letters, digits and any of -._~+/ (a bearer token), such as `openssl rand -hex 32` makes',
    )
    .optional(),
  ingressTokenFile: z.string().optional(),
  tcpPort: port.optional(),
  healthRateLimit: z.int().min(1, 'expected 1 to 1000000').max(1_000_000, 'expected 1 to 1000000').default(60),
  logLevel: z.enum(LOG_LEVELS, `expected one of ${LOG_LEVELS.join(', ')}`).default('info'),
  logLevels: z
    .string()
    .transform((text, context) => {
      const levels = parseCategoryLevels(text);
      if (levels !== undefined) return levels;
      context.addIssue(`expected such as MqttSync.connection=debug,Http=error, each one of ${LOG_LEVELS.join(', ')}`);
      return z.NEVER;
    })
    .optional(),
});

/** Settings of the stand-alone service, beside the options of the library. */
export type ServiceSettings = Readonly<z.output<typeof serviceSettings>>;

/** Injection token of the `ServiceSettings`. */
export const SERVICE_SETTINGS = Symbol('SERVICE_SETTINGS');
