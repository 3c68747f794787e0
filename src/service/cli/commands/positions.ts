import { numberOf } from '../target/target-options.js';

/**
 * Understands what names a message or a dead letter.
 * @throws {CliError}
 */
export function positionOf(text: string): number {
  return numberOf('position', text, { from: 0, to: Number.MAX_SAFE_INTEGER });
}
