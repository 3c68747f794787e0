import type { Command } from 'commander';
import { confirm } from '../confirm.js';
import type { CommandContext } from '../context.js';
import { formatCount } from '../format.js';
import { withTarget } from '../target/open-target.js';
import type { TargetFlags } from '../target/target-options.js';
import { addConfirmation, addTargetOptions, describeCommand } from './command.js';
import { entityOption } from './entity-option.js';

interface Flags extends TargetFlags {
  readonly entity?: string;
  readonly yes?: true;
  readonly json?: true;
}

/** Drops what waits. */
export function queuePurgeCommand(context: CommandContext): Command {
  return addConfirmation(
    addTargetOptions(
      describeCommand('purge', 'drops what waits; the other side is told', {
        more:
          'Every message that goes is told to the other side as a gap, and counts as dropped. What a running service has ' +
          'sent already stays: it may have arrived. `queue export` first, if the changes may be wanted again.',
        examples: [
          'arus-mqtt-sync queue purge --entity fuel_log',
          'arus-mqtt-sync queue purge --yes --queue-dir /var/lib/arus-mqtt-sync',
        ],
      }),
    ),
  )
    .addOption(entityOption('only messages of this entity type'))
    .action((flags: Flags) => purge(context, flags));
}

async function purge(context: CommandContext, flags: Flags): Promise<void> {
  const { output } = context;
  const { entity } = flags;
  const result = await withTarget(context, flags, async (target) => {
    const { vesselId } = (await target.summary()).service;
    const which = entity === undefined ? 'everything that waits' : `all that waits of ${entity}`;
    await confirm(context, `This drops ${which} in the queue of ${vesselId} (${target.name}).`, flags.yes === true);
    return target.purge(entity);
  });
  if (flags.json) return output.document(result);
  await output.line(
    `${formatCount(result.purged, 'message')} purged, to be told as gaps; ${result.remaining} in the queue.`,
  );
}
