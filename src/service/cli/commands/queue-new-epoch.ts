import type { Command } from 'commander';
import { usageError } from '../cli-error.js';
import { confirm } from '../confirm.js';
import type { CommandContext } from '../context.js';
import { formatCount } from '../format.js';
import type { StoppedQueueDocument } from '../target/queue-target.js';
import { addConfirmation, describeCommand } from './command.js';

interface Flags {
  readonly queueDir?: string;
  readonly yes?: true;
  readonly json?: true;
}

/** A new epoch for a folder that went back in time. */
export function queueNewEpochCommand(context: CommandContext): Command {
  return addConfirmation(
    describeCommand('new-epoch', 'begins a new epoch in the folder of a stopped service', {
      more:
        'For a folder that went back in time, as a restored backup does: new changes would get numbers that receivers have ' +
        'seen already, and be taken for old ones. What waits keeps its order, its message ids and its data, and is numbered ' +
        'anew; so are gaps that were not told yet. What was delivered is no longer kept for catch-up. See docs/operations.md, ' +
        'Backup.',
      examples: ['arus-mqtt-sync queue new-epoch --queue-dir /var/lib/arus-mqtt-sync'],
    }),
  )
    .option('--queue-dir <folder>', 'the queue folder of a stopped service')
    .option('--json', 'JSON in place of text')
    .action((flags: Flags) => beginEpoch(context, flags));
}

async function beginEpoch(context: CommandContext, { queueDir, yes, json }: Flags): Promise<void> {
  const { output } = context;
  if (queueDir === undefined) throw usageError('A new epoch needs the folder of a stopped service: --queue-dir.');
  const { renewFolder } = await import('../target/folder-target.js');
  const ask = async ({ service, queue }: StoppedQueueDocument) => {
    const what = `${formatCount(queue.messages, 'message')} of ${service.vesselId} in ${queueDir}`;
    await confirm(context, `This ends epoch ${service.epoch} of ${what}.`, yes === true);
  };
  const renewed = await renewFolder(queueDir, (text) => output.note(text), yes ? undefined : ask);
  const { before, after, messages, deadLetters } = renewed;
  if (json) return output.document({ before, after, messages, deadLetters });
  const what = `${formatCount(messages, 'message')} and ${formatCount(deadLetters, 'dead letter')} go on in it`;
  await output.line(`${after.vesselId} has epoch ${after.epoch} now, after ${before.epoch}; ${what}.`);
}
