import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { formatBytes, formatFacts, formatNumber, formatTable } from '../format.js';
import { withTarget } from '../target/open-target.js';
import type { QueueSummary } from '../target/queue-target.js';
import type { TargetFlags } from '../target/target-options.js';
import { addTargetOptions, describeCommand } from './command.js';
import { describeDeadLetters, describeGaps, describeWaiting, type Fact, isStopped, laneRows } from './queue-facts.js';

type Flags = TargetFlags & { readonly json?: true };

/** How much waits, lane by lane. */
export function queueStatsCommand(context: CommandContext): Command {
  return addTargetOptions(
    describeCommand('stats', 'how much waits, lane by lane, and what was lost', {
      more: 'With --json everything that `status --json` has.',
      examples: [
        'arus-mqtt-sync queue stats',
        'arus-mqtt-sync queue stats --json | jq .queue.lanes.bulk.messages',
        'arus-mqtt-sync queue stats --queue-dir /var/lib/arus-mqtt-sync',
      ],
    }),
  ).action((flags: Flags) => showStats(context, flags));
}

async function showStats(context: CommandContext, flags: Flags): Promise<void> {
  const { output } = context;
  const summary = await withTarget(context, flags, (target) => target.summary());
  if (flags.json) return output.document(summary);
  for (const line of formatTable(['lane', 'messages', 'size', 'oldest'], laneRows(summary))) await output.line(line);
  await output.line('');
  for (const line of formatFacts(factsOf(summary))) await output.line(line);
}

function factsOf(summary: QueueSummary): Fact[] {
  const facts: Fact[] = [['in all', describeWaiting(summary)]];
  if (!isStopped(summary)) {
    const { maxMessages, maxBytes, overflowPolicy, maxDeadLetters } = summary.limits;
    facts.push(
      ['limits', `${formatNumber(maxMessages)} messages, ${formatBytes(maxBytes)}; then ${overflowPolicy}`],
      ['dead letters kept', formatNumber(maxDeadLetters)],
    );
  }
  return [...facts, ['dead letters', describeDeadLetters(summary)], ['gaps', describeGaps(summary)]];
}
