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
  const token = firstLineOf(file);
  // What no header can carry would be an error that shows it.
  if (!/^[\x21-\x7e]+$/.test(token)) throw new TokenFileError(`the first line of ${file} is no token`);
  return token;
}

/**
 * What is in the first line of a file, whatever that looks like.
 * @throws {TokenFileError} there is nothing.
 */
export function firstLineOf(file: string): string {
  const line = read(file).split(/\r?\n/, 1)[0]!.trim();
  if (line !== '') return line;
  throw new TokenFileError(
    `the first line of ${file} is empty: it must hold the token, such as \`openssl rand -hex 32\` makes`,
  );
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new TokenFileError(`${file} cannot be read (${code})`, { cause: error });
  }
}
