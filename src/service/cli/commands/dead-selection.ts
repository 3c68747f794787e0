import { type Command, Option } from 'commander';
import { DEAD_LETTER_REASONS, type DeadLetterReason } from '../../../mqtt-sync/queue/reasons.js';
import type { DeadLetterView } from '../../dead-letters/dead-letter-view.js';
import { usageError } from '../cli-error.js';
import { formatCount, formatNumber } from '../format.js';
import type { QueueTarget } from '../target/queue-target.js';
import { entityOption } from './entity-option.js';
import { positionOf } from './positions.js';

/** Which dead letters. */
export interface Selection {
  readonly entity?: string;
  readonly reason?: DeadLetterReason;
}

/** Which dead letters to act on. */
export interface ActingSelection extends Selection {
  readonly all?: true;
}

/** Adds the options that choose dead letters. */
export function addSelection(command: Command): Command {
  return command
    .addOption(entityOption('only those of this entity type'))
    .addOption(new Option('--reason <reason>', 'only those with this reason').choices(DEAD_LETTER_REASONS));
}

/** Adds what names dead letters to act on. */
export function addActingSelection(command: Command): Command {
  return addSelection(command.argument('[positions...]', 'which ones').option('--all', 'all of them'));
}

/** What is chosen, and out of how many. */
export interface Selected {
  readonly letters: readonly DeadLetterView[];
  readonly total: number;
}

/** Those that the options choose. */
export async function selected(target: QueueTarget, { entity, reason }: Selection): Promise<Selected> {
  const letters: DeadLetterView[] = [];
  let total = 0;
  for await (const letter of target.deadLetters()) {
    total++;
    if ((entity === undefined || letter.entity === entity) && (reason === undefined || letter.reason === reason)) {
      letters.push(letter);
    }
  }
  return { letters, total };
}

/** How many were chosen, such as `0 of 5 dead letters`; where all were, how many there are. */
export function countOf(chosen: number, total: number): string {
  const all = formatCount(total, 'dead letter');
  return chosen === total ? all : `${formatNumber(chosen)} of ${all}`;
}

/** That nothing was chosen, which is not to say that there is nothing. */
export function nothingTo(act: string, total: number): string {
  return `There is nothing to ${act}${total > 0 ? `: ${countOf(0, total)}` : ''}.`;
}

/**
 * Checks that the letters to act on are either named or chosen.
 * @returns the named ones, each once; undefined when they are chosen.
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
  return [...new Set(texts.map(positionOf))];
}
