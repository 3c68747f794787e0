import { ConsoleLogger } from '@nestjs/common';
import { type LogLevels, nameOfLevel } from './log-levels.js';

/** How to log. */
export interface ServiceLoggerOptions {
  readonly levels: LogLevels;
  /** One JSON object a line, for machines. */
  readonly json: boolean;
  readonly colors: boolean;
  /** Never to be seen, whoever logs them. */
  readonly secrets: readonly string[];
}

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
  private readonly levels: LogLevels;
  private readonly secrets: readonly string[];
  private isStarting = true;

  constructor({ levels, json, colors, secrets }: ServiceLoggerOptions) {
    super({ logLevels: levels.shown, json, colors: colors && !json, prefix: 'mqtt-sync', flattenParams: true });
    this.levels = levels;
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
    const category = typeof context === 'string' ? context : undefined;
    if (this.isStarting && category !== undefined && START_ERROR_CONTEXTS.has(category)) {
      super.debug(message, category);
    } else if (this.levels.allows('error', category)) super.error(message, ...rest);
  }

  /** From now on Nest's own errors are nobody else's to tell. */
  started(): void {
    this.isStarting = false;
  }

  protected override printMessages(...parts: Parameters<ConsoleLogger['printMessages']>): void {
    const [, category, level = 'log'] = parts;
    if (this.levels.allows(level, category)) super.printMessages(...parts);
  }

  /** The words of LOG_LEVEL, and a time that people can read. */
  protected override getJsonLogObject(...parts: Parameters<ConsoleLogger['getJsonLogObject']>) {
    const [, { logLevel }] = parts;
    const object = super.getJsonLogObject(...parts);
    return { ...object, level: nameOfLevel(logLevel), timestamp: this.getTimestamp() } as unknown as typeof object;
  }

  /** The same everywhere in the world, and sortable. */
  protected override getTimestamp(): string {
    return new Date().toISOString();
  }

  /** For people: the text of a line says what its fields say. */
  protected override formatMessage(...parts: Parameters<ConsoleLogger['formatMessage']>): string {
    const [level, message, pid, levelText, category, sinceLast] = parts;
    return this.withoutSecrets(super.formatMessage(level, message, pid, levelText, category, sinceLast));
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
