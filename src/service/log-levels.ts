import type { LogLevel } from '@nestjs/common';

/** How much is logged, least first. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'verbose'] as const;

export type LogLevelName = (typeof LOG_LEVELS)[number];

/** The words of Nest for the same, in the same order. */
const NEST_LEVELS: readonly LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'];

/** Levels of single categories, by the name of the category. */
export type CategoryLevels = Readonly<Record<string, LogLevelName>>;

/** Our word for a level of Nest. */
export function nameOfLevel(level: LogLevel): LogLevelName {
  return LOG_LEVELS[NEST_LEVELS.indexOf(level)]!;
}

/**
 * Which lines are to be seen. A level of a category counts for those below it as well: `MqttSync` for `MqttSync.queue`,
 * unless that one has its own.
 */
export class LogLevels {
  constructor(
    private readonly base: LogLevelName,
    private readonly ofCategories: CategoryLevels = {},
  ) {}

  /** Every level that some category shows. */
  get shown(): LogLevel[] {
    const ranks = [this.base, ...Object.values(this.ofCategories)].map((level) => LOG_LEVELS.indexOf(level));
    return NEST_LEVELS.slice(0, Math.max(...ranks) + 1);
  }

  allows(level: LogLevel, category = ''): boolean {
    return NEST_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(this.of(category));
  }

  private of(category: string): LogLevelName {
    const own = this.ofCategories[category];
    if (own !== undefined) return own;
    const dot = category.lastIndexOf('.');
    return dot < 0 ? this.base : this.of(category.slice(0, dot));
  }
}

/** Reads `category=level` pairs with commas between them; undefined when it is something else. */
export function parseCategoryLevels(text: string): CategoryLevels | undefined {
  const levels: Record<string, LogLevelName> = {};
  for (const pair of text.split(',')) {
    const [category = '', level = '', ...rest] = pair.split('=').map((part) => part.trim());
    const known = LOG_LEVELS.find((name) => name === level);
    if (!/^[\w.]+$/.test(category) || known === undefined || rest.length > 0) return undefined;
    levels[category] = known;
  }
  return levels;
}
