import type { Command } from 'commander';
import { confirm } from '../confirm.js';
import type { CommandContext } from '../context.js';
import { formatCount } from '../format.js';
import { withTarget } from '../target/open-target.js';
import type { TargetFlags } from '../target/target-options.js';
import { addConfirmation, addTargetOptions, describeCommand } from './command.js';
import { actOnEach, positionsOf } from './dead-acting.js';
import { type ActingSelection, addActingSelection, namedPositions, selected } from './dead-selection.js';

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
  const named = namedPositions(texts, flags);
  await withTarget(context, flags, async (target) => {
    const positions = await positionsOf(named, () => selected(target, flags));
    if (positions.length === 0) {
      context.output.note('There is nothing to discard.');
      if (flags.json) await context.output.document({ deadLetters: [] });
      return;
    }
    const what = formatCount(positions.length, 'dead letter');
    await confirm(context, `This forgets ${what} of ${target.name} for good.`, flags.yes === true);
    await actOnEach(context, positions, {
      json: flags.json === true,
      act: async (position) => {
        await target.discard(position);
        return {};
      },
      done: 'is discarded, to be told as a gap',
    });
  });
}
