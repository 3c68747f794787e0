const JSON_FLAG = '--json';

/** Before anything is understood, since what cannot be understood is an error, too. */
export function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end < 0 ? args.length : end).includes(JSON_FLAG);
}

/**
 * Puts a `--json` that stands before or between the words of a command behind them, where the commands have it:
 * `--json status`, `queue --json list`. Before no word at all it says only how errors are told.
 */
export function jsonBehindCommand(args: readonly string[]): readonly string[] {
  const end = args.findIndex((arg) => arg !== JSON_FLAG && arg.startsWith('-'));
  const beginning = end < 0 ? args : args.slice(0, end);
  const words = beginning.filter((arg) => arg !== JSON_FLAG);
  if (words.length === beginning.length) return args;
  return [...words, ...(words.length > 0 ? [JSON_FLAG] : []), ...args.slice(beginning.length)];
}
