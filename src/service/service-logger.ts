import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import { type LOG_LEVELS } from './service-settings.js';

/** How to log. */
export interface ServiceLoggerOptions {
  readonly level: (typeof LOG_LEVELS)[number];
  /** One JSON object a line, for machines. */
  readonly json: boolean;
  readonly colors: boolean;
  /** Never to be seen, whoever logs them. */
  readonly secrets: readonly string[];
}

const LEVELS: readonly LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'];

/** What Nest tells about its own start, a line for each module and route, is for debugging. */
const FRAMEWORK_CONTEXTS = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
  'NestMicroservice',
]);

/** Who shows an error that ends the start. */
const START_ERROR_CONTEXTS = new Set(['ExceptionHandler', 'NestApplication']);

/** Shorter ones would blot out half of every line, and protect nothing. */
const SHORTEST_SECRET = 4;

/** The service's log: Nest's, quieter, and without secrets. */
export class ServiceLogger extends ConsoleLogger {
  private readonly secrets: readonly string[];
  private isStarting = true;

  constructor({ level, json, colors, secrets }: ServiceLoggerOptions) {
    const logLevels = LEVELS.slice(0, LEVELS.indexOf(level === 'info' ? 'log' : level) + 1);
    super({ logLevels, json, colors: colors && !json, prefix: 'mqtt-sync' });
    const asJson = secrets.map((secret) => JSON.stringify(secret).slice(1, -1));
    this.secrets = [...new Set([...secrets, ...asJson])].filter((secret) => secret.length >= SHORTEST_SECRET);
  }

  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && FRAMEWORK_CONTEXTS.has(context)) super.debug(message, ...rest);
    else super.log(message, ...rest);
  }

  /** Nest shows an error of the start with its stack before it throws it; whoever catches it says it once, in words. */
  override error(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (this.isStarting && typeof context === 'string' && START_ERROR_CONTEXTS.has(context)) {
      super.debug(message, context);
    } else super.error(message, ...rest);
  }

  /** From now on Nest's own errors are nobody else's to tell. */
  started(): void {
    this.isStarting = false;
  }

  /** The same everywhere in the world, and sortable. */
  protected override getTimestamp(): string {
    return new Date().toISOString();
  }

  protected override formatMessage(...parts: Parameters<ConsoleLogger['formatMessage']>): string {
    return this.withoutSecrets(super.formatMessage(...parts));
  }

  protected override stringifyJsonLogObject(logObject: Record<string, unknown>): string {
    return this.withoutSecrets(super.stringifyJsonLogObject(logObject));
  }

  protected override printStackTrace(stack: string): void {
    super.printStackTrace(stack && this.withoutSecrets(stack));
  }

  private withoutSecrets(text: string): string {
    return this.secrets.reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
  }
}
