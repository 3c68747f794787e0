/** What stands for something thrown that cannot be put into words. */
const WORDLESS = 'something was thrown that has no text';

/**
 * What an error of somebody else's says: always a text, whatever was thrown. Handlers, listeners and sources may throw
 * anything (an object without a prototype, an error whose message is a list), and telling of it must not fail in turn.
 */
export function errorText(thrown: unknown): string {
  try {
    const { message } = thrown instanceof Error ? (thrown as { message: unknown }) : { message: thrown };
    return typeof message === 'string' ? message : String(message);
  } catch {
    return WORDLESS;
  }
}
