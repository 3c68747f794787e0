import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { formatFacts } from '../format.js';
import { withTarget } from '../target/open-target.js';
import type { QueueSummary } from '../target/queue-target.js';
import type { TargetFlags } from '../target/target-options.js';
import { addTargetOptions, describeCommand } from './command.js';
import { isStopped } from './queue-facts.js';
import { statusFacts } from './status-facts.js';

/** Whether all is well, in a few lines. */
export function statusCommand(context: CommandContext): Command {
  return addTargetOptions(
    describeCommand('status', 'whether the data is safe and moves', {
      more: 'Exits with 5 when the service is degraded. Of a stopped service it tells what is in the queue.',
      examples: [
        'arus-mqtt-sync status',
        'arus-mqtt-sync status --url http://ship:5000 --json | jq .health.reasons',
        'arus-mqtt-sync status --queue-dir /var/lib/arus-mqtt-sync',
      ],
    }),
  ).action((flags: TargetFlags & { readonly json?: true }) => showStatus(context, flags));
}

async function showStatus(context: CommandContext, flags: TargetFlags & { readonly json?: true }): Promise<void> {
  const { output, exitWith } = context;
  const summary = await withTarget(context, flags, (target) => target.summary());
  if (!isStopped(summary) && summary.health.status === 'degraded') exitWith(EXIT.degraded);
  if (flags.json) return output.document(summary);
  await output.line(headline(summary, context));
  for (const line of formatFacts(statusFacts(summary))) await output.line(line);
}

function headline(summary: QueueSummary, { output }: CommandContext): string {
  const { vesselId } = summary.service;
  if (isStopped(summary)) return `${vesselId} ${output.paint('stopped', 'dim')}`;
  const { status } = summary.health;
  return `${vesselId} ${output.paint(status, status === 'healthy' ? 'green' : 'yellow')}`;
}
