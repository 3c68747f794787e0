import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { withTarget } from '../target/open-target.js';
import type { TargetFlags } from '../target/target-options.js';
import { addTargetOptions, describeCommand } from './command.js';
import { positionOf } from './positions.js';

/** One dead letter with its payload. */
export function deadShowCommand(context: CommandContext): Command {
  return addTargetOptions(
    describeCommand('show', 'one dead letter, with its payload', {
      more: 'Its position is what `dead list` shows first. The answer is JSON, also without --json.',
      examples: [
        'arus-mqtt-sync dead show 12',
        'arus-mqtt-sync dead show 12 --queue-dir /var/lib/arus-mqtt-sync | jq .payload.data',
      ],
    }),
  )
    .argument('<position>', 'which one')
    .action(async (text: string, flags: TargetFlags) => {
      const position = positionOf(text);
      await context.output.document(await withTarget(context, flags, (target) => target.deadLetter(position)));
    });
}
