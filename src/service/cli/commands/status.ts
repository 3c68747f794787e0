import { type Command } from 'commander';
import { type QueueDocument } from '../../operator/queue-document.js';
import { type CommandContext } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { formatCount, formatFacts, formatNumber } from '../format.js';
import { withTarget } from '../target/open-target.js';
import { type QueueSummary } from '../target/queue-target.js';
import { type TargetFlags } from '../target/target-options.js';
import { addTargetOptions, describeCommand } from './command.js';
import { describeDeadLetters, describeGaps, describeWaiting, type Fact, isStopped } from './queue-facts.js';

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
  for (const line of formatFacts(factsOf(summary))) await output.line(line);
}

function headline(summary: QueueSummary, { output }: CommandContext): string {
  const { vesselId } = summary.service;
  if (isStopped(summary)) return `${vesselId} ${output.paint('stopped', 'dim')}`;
  const { status } = summary.health;
  return `${vesselId} ${output.paint(status, status === 'healthy' ? 'green' : 'yellow')}`;
}

function factsOf(summary: QueueSummary): Fact[] {
  const queue: Fact[] = [
    ['queue', describeWaiting(summary)],
    ['dead letters', describeDeadLetters(summary)],
    ['gaps', describeGaps(summary)],
    ...storesAside(summary),
  ];
  if (isStopped(summary)) return [...queue, ['epoch', String(summary.service.epoch)]];
  const { health, service } = summary;
  return [
    ...reasonsOf(health),
    ['connection', connectionOf(summary)],
    ...queue,
    ['since start', countsOf(summary)],
    ['service', `version ${service.version}, since ${service.startedAt}, epoch ${service.epoch ?? 'unknown'}`],
  ];
}

function storesAside({ queue: { storesAside: count } }: QueueSummary): Fact[] {
  if (count === 0) return [];
  return [
    [
      'set aside',
      `${formatCount(count, 'damaged store')}, not delivered (see docs/operations.md, ArusSyncStoreSetAside)`,
    ],
  ];
}

function reasonsOf({ reasons, accepting, unavailableReason }: QueueDocument['health']): Fact[] {
  const facts: Fact[] = [];
  if (!accepting) facts.push(['refuses', unavailableReason ?? 'changes']);
  if (reasons.length > 0) facts.push(['reasons', `${reasons.join(', ')} (see docs/operations.md)`]);
  return facts;
}

function connectionOf({ connection }: QueueDocument): string {
  const { connected, broker, since, protocol, tlsEnabled, lastFailure, state } = connection;
  const to = `${broker}${tlsEnabled ? ' with TLS' : ''}`;
  if (connected) return `connected to ${to} since ${since}${protocol === undefined ? '' : `, MQTT ${protocol}`}`;
  return `${state}, not connected to ${to} since ${since}${lastFailure === undefined ? '' : `: ${lastFailure}`}`;
}

function countsOf({ counts }: QueueDocument): string {
  const { delivered, dropped, deadLettered, deadLettersDiscarded, possibleDuplicates } = counts;
  const givenUp = deadLettersDiscarded.too_many + deadLettersDiscarded.by_hand;
  return [
    `${formatNumber(delivered)} delivered (${formatNumber(possibleDuplicates)} perhaps twice)`,
    `${formatNumber(dropped)} dropped`,
    `${formatNumber(deadLettered)} set aside`,
    ...(givenUp > 0 ? [`${formatCount(givenUp, 'dead letter')} given up`] : []),
  ].join(', ');
}
