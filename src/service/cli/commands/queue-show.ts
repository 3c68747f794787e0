import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { withTarget } from '../target/open-target.js';
import type { TargetFlags } from '../target/target-options.js';
import { addTargetOptions, describeCommand } from './command.js';
import { positionOf } from './positions.js';

/** One message with its payload. */
export function queueShowCommand(context: CommandContext): Command {
  return addTargetOptions(
    describeCommand('show', 'one message of the queue, with its payload', {
      more: 'Its position is what `queue list` shows first. The answer is JSON, also without --json.',
      examples: [
        'arus-mqtt-sync queue show 4711',
        'arus-mqtt-sync queue show 4711 --queue-dir /var/lib/arus-mqtt-sync | jq .payload.data',
      ],
    }),
  )
    .argument('<position>', 'which one')
    .action(async (text: string, flags: TargetFlags) => {
      const position = positionOf(text);
      await context.output.document(await withTarget(context, flags, (target) => target.message(position)));
    });
}
