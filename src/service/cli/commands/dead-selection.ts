import type { Command } from 'commander';
import type { DeadLetterView } from '../../dead-letters/dead-letter-view.js';
import { usageError } from '../cli-error.js';
import type { QueueTarget } from '../target/queue-target.js';
import { positionOf } from './positions.js';

/** Which dead letters. */
export interface Selection {
  readonly entity?: string;
  readonly reason?: string;
}

/** Which dead letters to act on. */
export interface ActingSelection extends Selection {
  readonly all?: true;
}

/** Adds the options that choose dead letters. */
export function addSelection(command: Command): Command {
  return command
    .option('--entity <type>', 'only those of this entity type')
    .option('--reason <reason>', 'only those with this reason, such as refused');
}

/** Adds what names dead letters to act on. */
export function addActingSelection(command: Command): Command {
  return addSelection(command.argument('[positions...]', 'which ones').option('--all', 'all of them'));
}

/** Those that the options choose. */
export async function selected(target: QueueTarget, { entity, reason }: Selection): Promise<DeadLetterView[]> {
  const letters: DeadLetterView[] = [];
  for await (const letter of target.deadLetters()) {
    if ((entity === undefined || letter.entity === entity) && (reason === undefined || letter.reason === reason)) {
      letters.push(letter);
    }
  }
  return letters;
}

/**
 * Checks that the letters to act on are either named or chosen.
 * @returns the named ones; undefined when they are chosen.
 * @throws {CliError}
 */
export function namedPositions(
  texts: readonly string[],
  { all, entity, reason }: ActingSelection,
): number[] | undefined {
  const isChosen = all === true || entity !== undefined || reason !== undefined;
  if (isChosen && texts.length > 0) throw usageError('Name positions, or choose by --all, --entity or --reason.');
  if (isChosen) return undefined;
  if (texts.length === 0) throw usageError('Which ones? Name positions, or choose by --all, --entity or --reason.');
  return texts.map(positionOf);
}
