import type { Command } from 'commander';
import type { DeadLetterView } from '../../dead-letters/dead-letter-view.js';
import type { CommandContext } from '../context.js';
import { formatBytes, formatTable } from '../format.js';
import { withTarget } from '../target/open-target.js';
import type { TargetFlags } from '../target/target-options.js';
import { addTargetOptions, describeCommand } from './command.js';
import { addSelection, countOf, type Selection, selected } from './dead-selection.js';

type Flags = TargetFlags & Selection & { readonly json?: true };

/** The dead letters with their stories. */
export function deadListCommand(context: CommandContext): Command {
  return addSelection(
    addTargetOptions(
      describeCommand('list', 'the dead letters, oldest first', {
        examples: [
          'arus-mqtt-sync dead list',
          'arus-mqtt-sync dead list --reason refused --json | jq .deadLetters[].topic',
          'arus-mqtt-sync dead list --queue-dir /var/lib/arus-mqtt-sync',
        ],
      }),
    ),
  ).action((flags: Flags) => listLetters(context, flags));
}

async function listLetters(context: CommandContext, flags: Flags): Promise<void> {
  const { output } = context;
  const { letters, total } = await withTarget(context, flags, (target) => selected(target, flags));
  if (flags.json) return output.document({ total: letters.length, deadLetters: letters });
  const headings = ['position', 'set aside', 'entity', 'key', 'reason', 'attempts', 'size', 'message id'];
  for (const line of formatTable(headings, letters.map(rowOf))) await output.line(line);
  output.note(`${countOf(letters.length, total)}.`);
}

function rowOf(letter: DeadLetterView): (string | number)[] {
  const { position, deadAt, entity, key = '-', reason, reasonText, attempts, bytes, messageId } = letter;
  const why = reasonText === undefined ? reason : `${reason}: ${reasonText}`;
  const size = bytes === undefined ? 'damaged' : formatBytes(bytes);
  return [String(position), deadAt, entity, key, why, attempts, size, messageId ?? '-'];
}
