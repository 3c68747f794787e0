import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { describeCommand } from './command.js';
import { deadDiscardCommand } from './dead-discard.js';
import { deadListCommand } from './dead-list.js';
import { deadRetryCommand } from './dead-retry.js';
import { deadShowCommand } from './dead-show.js';

/** What the broker will never take as it is. */
export function deadCommand(context: CommandContext): Command {
  return describeCommand('dead', 'dead letters, what the broker will never take as it is: list, show, retry, discard', {
    examples: ['arus-mqtt-sync dead list', 'arus-mqtt-sync dead show 12', 'arus-mqtt-sync dead retry --reason refused'],
  })
    .addCommand(deadListCommand(context))
    .addCommand(deadShowCommand(context))
    .addCommand(deadRetryCommand(context))
    .addCommand(deadDiscardCommand(context));
}
