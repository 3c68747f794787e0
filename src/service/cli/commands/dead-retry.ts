import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { formatCount } from '../format.js';
import { withTarget } from '../target/open-target.js';
import type { QueueTarget } from '../target/queue-target.js';
import type { TargetFlags } from '../target/target-options.js';
import { addTargetOptions, describeCommand } from './command.js';
import { actOnEach } from './dead-acting.js';
import { type ActingSelection, addActingSelection, namedPositions, nothingTo, selected } from './dead-selection.js';

type Flags = TargetFlags & ActingSelection & { readonly json?: true };

/** Puts dead letters back into the queue. */
export function deadRetryCommand(context: CommandContext): Command {
  return addActingSelection(
    addTargetOptions(
      describeCommand('retry', 'puts dead letters back into the queue', {
        more:
          'For when the cause is removed: a right at the broker, its limit on packets. They keep their ids and sequences, ' +
          'with no promise of order: newer changes of the same key may be there already.',
        examples: [
          'arus-mqtt-sync dead retry 12 15',
          'arus-mqtt-sync dead retry --reason too_large_for_broker',
          'arus-mqtt-sync dead retry --all --queue-dir /var/lib/arus-mqtt-sync',
        ],
      }),
    ),
  ).action((positions: string[], flags: Flags) => retry(context, positions, flags));
}

async function retry(context: CommandContext, texts: readonly string[], flags: Flags): Promise<void> {
  const named = namedPositions(texts, flags);
  await withTarget(context, flags, async (target) => {
    const positions = named ?? (await retryable(context, target, flags));
    await actOnEach(context, positions, {
      json: flags.json === true,
      act: (position) => target.retry(position),
      done: 'is back in the queue',
    });
  });
}

/** Those that the options choose, but for damaged ones, which can only be discarded. */
async function retryable({ output }: CommandContext, target: QueueTarget, flags: Flags): Promise<number[]> {
  const { letters, total } = await selected(target, flags);
  const positions = letters.filter(({ retryable }) => retryable).map(({ position }) => position);
  if (letters.length === 0) output.note(nothingTo('retry', total));
  else if (positions.length === 0)
    output.note(`There is nothing to retry: ${formatCount(letters.length, 'damaged dead letter')}.`);
  return positions;
}
