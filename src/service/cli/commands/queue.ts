import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { describeCommand } from './command.js';
import { queueExportCommand } from './queue-export.js';
import { queueListCommand } from './queue-list.js';
import { queueNewEpochCommand } from './queue-new-epoch.js';
import { queuePurgeCommand } from './queue-purge.js';
import { queueShowCommand } from './queue-show.js';
import { queueStatsCommand } from './queue-stats.js';

/** What waits to be delivered. */
export function queueCommand(context: CommandContext): Command {
  return describeCommand('queue', 'what waits to be delivered: list it, show it, count it, export it, purge it', {
    examples: [
      'arus-mqtt-sync queue stats',
      'arus-mqtt-sync queue list --entity work_orders',
      'arus-mqtt-sync queue export > queue.jsonl',
    ],
  })
    .addCommand(queueListCommand(context))
    .addCommand(queueShowCommand(context))
    .addCommand(queueStatsCommand(context))
    .addCommand(queueExportCommand(context))
    .addCommand(queuePurgeCommand(context))
    .addCommand(queueNewEpochCommand(context));
}
