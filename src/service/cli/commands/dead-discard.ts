import type { Command } from 'commander';
import { CliError } from '../cli-error.js';
import { confirm } from '../confirm.js';
import type { CommandContext } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { formatCount } from '../format.js';
import { withTarget } from '../target/open-target.js';
import type { QueueTarget } from '../target/queue-target.js';
import type { TargetFlags } from '../target/target-options.js';
import { addConfirmation, addTargetOptions, describeCommand } from './command.js';
import { actOnEach } from './dead-acting.js';
import { type ActingSelection, addActingSelection, namedPositions, nothingTo, selected } from './dead-selection.js';

type Flags = TargetFlags & ActingSelection & { readonly yes?: true; readonly json?: true };

/** Gives dead letters up. */
export function deadDiscardCommand(context: CommandContext): Command {
  return addConfirmation(
    addActingSelection(
      addTargetOptions(
        describeCommand('discard', 'gives dead letters up; the other side is told', {
          more: 'Each is forgotten for good, and told to the other side as a gap.',
          examples: [
            'arus-mqtt-sync dead discard 12',
            'arus-mqtt-sync dead discard --reason corrupt --yes',
            'arus-mqtt-sync dead discard --all --queue-dir /var/lib/arus-mqtt-sync',
          ],
        }),
      ),
    ),
  ).action((positions: string[], flags: Flags) => discard(context, positions, flags));
}

async function discard(context: CommandContext, texts: readonly string[], flags: Flags): Promise<void> {
  const { output } = context;
  const named = namedPositions(texts, flags);
  await withTarget(context, flags, async (target) => {
    const { letters, total } = named ? { letters: [], total: 0 } : await selected(target, flags);
    const positions = named ?? letters.map(({ position }) => position);
    if (positions.length === 0) output.note(nothingTo('discard', total));
    // Nobody is asked about what is not there.
    const missing = named && !flags.yes ? await missingOf(named, target) : new Map<number, CliError>();
    const count = positions.length - missing.size;
    const what = `This forgets ${formatCount(count, 'dead letter')} of ${target.name} for good.`;
    if (count > 0) await confirm(context, what, flags.yes === true);
    await actOnEach(context, positions, {
      json: flags.json === true,
      act: async (position) => {
        const error = missing.get(position);
        if (error) throw error;
        await target.discard(position);
        return {};
      },
      done: 'is discarded, to be told as a gap',
    });
  });
}

/** Which of some dead letters are not there, and how that is said. */
async function missingOf(positions: readonly number[], target: QueueTarget): Promise<ReadonlyMap<number, CliError>> {
  const missing = new Map<number, CliError>();
  for (const position of positions) {
    try {
      await target.deadLetter(position);
    } catch (error) {
      if (!(error instanceof CliError) || error.exitCode !== EXIT.notFound) throw error;
      missing.set(position, error);
    }
  }
  return missing;
}
