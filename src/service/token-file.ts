import { readFileSync } from 'node:fs';

/** There is no token to be had from a file; the message says why, and nothing of what is in it. */
export class TokenFileError extends Error {
  override readonly name = 'TokenFileError';
}

/**
 * The token in the first line of a file, for whoever presents it to the service.
 * @throws {TokenFileError}
 */
export function tokenIn(file: string): string {
  const token = firstLineOf(file).trim();
  // What no header can carry would be an error that shows it.
  if (!/^[\x21-\x7e]+$/.test(token)) throw new TokenFileError(`the first line of ${file} is no token`);
  return token;
}

function firstLineOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/, 1)[0]!;
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new TokenFileError(`${file} cannot be read (${code})`, { cause: error });
  }
}
