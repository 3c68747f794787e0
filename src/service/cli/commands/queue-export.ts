import type { Command } from 'commander';
import type { MessageWithPayload } from '../../queue/message-view.js';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { formatCount } from '../format.js';
import { withTarget } from '../target/open-target.js';
import type { TargetFlags } from '../target/target-options.js';
import { addTargetOptions, describeCommand } from './command.js';
import { entityOption } from './entity-option.js';

type Flags = TargetFlags & { readonly entity?: string };

/** The queue as changes that can be published again. */
export function queueExportCommand(context: CommandContext): Command {
  return addTargetOptions(
    describeCommand('export', 'the queue as JSON lines that `publish` reads again', {
      more:
        'One change a line, in order, with its message id, so that receivers know what they have already. The queue stays ' +
        'as it is. Sequence numbers are not in it: whoever accepts the changes numbers them.',
      examples: [
        'arus-mqtt-sync queue export > queue.jsonl',
        'arus-mqtt-sync queue export --queue-dir /var/lib/arus-mqtt-sync | ssh spare arus-mqtt-sync publish',
      ],
    }),
  )
    .addOption(entityOption('only those of this entity type'))
    .action((flags: Flags) => exportQueue(context, flags));
}

async function exportQueue(context: CommandContext, flags: Flags): Promise<void> {
  const { output } = context;
  const count = await withTarget(context, flags, async (target) => {
    let exported = 0;
    for await (const message of target.messagesWithPayload({ entity: flags.entity })) {
      await output.jsonLine(changeOf(message));
      if (output.isClosed) break;
      exported++;
    }
    return exported;
  });
  // Whoever purges next believes that all of it is there.
  if (output.isClosed) {
    const why = (await output.failure()) ?? 'Whoever reads has gone.';
    throw new CliError(`${why} The export is not complete: ${formatCount(count, 'message')} written.`, EXIT.failed);
  }
  output.note(`${formatCount(count, 'message')} exported.`);
}

/** What the service takes as a change. */
function changeOf({ messageId, entity, operation, key, qos, retain, payload }: MessageWithPayload): object {
  const { data } = payload as { readonly data?: unknown };
  return {
    ...{ entity, operation, ...(key !== undefined && { key }), messageId, qos, retain },
    ...(data !== undefined && { data }),
  };
}
