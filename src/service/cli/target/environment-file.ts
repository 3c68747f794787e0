import { parseEnv } from 'node:util';

/** A file is none of variables; the message says which line is to blame, and nothing of what is in it. */
export class EnvironmentFileError extends Error {
  override readonly name = 'EnvironmentFileError';

  constructor(readonly line: number) {
    super(`line ${line} is neither NAME=value nor a comment`);
  }
}

/** Both are comments to systemd; to Node what begins with `;` goes on until the next `=`. */
const BLANK_OR_COMMENT = /[ \t\r]*(?:[#;][^\n]*)?(?:\n|$)/y;
const NAME = /[ \t]*(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_.-]*[ \t]*=[ \t]*/y;
const QUOTED = /(["'`])[^]*?\1/y;
const REST_OF_LINE = /[^\n]*(?:\n|$)/y;

/**
 * Understands a file of variables as Node does, which reads any file as one: of what is none of a variable it takes nothing,
 * without a word.
 * @throws {EnvironmentFileError}
 */
export function parseEnvironment(text: string): NodeJS.Dict<string> {
  let variables = '';
  for (let at = 0; at < text.length;) {
    const value = endOf(NAME, text, at);
    const next = value === undefined ? endOf(BLANK_OR_COMMENT, text, at) : endOfValue(text, value);
    if (next === undefined) throw new EnvironmentFileError(text.slice(0, at).split('\n').length);
    if (value !== undefined) variables += text.slice(at, next);
    at = next;
  }
  return parseEnv(variables);
}

/** A quoted value may be of several lines. */
function endOfValue(text: string, at: number): number {
  return endOf(REST_OF_LINE, text, endOf(QUOTED, text, at) ?? at)!;
}

function endOf(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}
