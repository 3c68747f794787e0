import type { Command } from 'commander';
import type { MessageView } from '../../queue/message-view.js';
import type { CommandContext } from '../context.js';
import { formatBytes, formatCount, formatTable } from '../format.js';
import { withTarget } from '../target/open-target.js';
import type { QueueTarget } from '../target/queue-target.js';
import { numberOf, type TargetFlags } from '../target/target-options.js';
import { addTargetOptions, describeCommand } from './command.js';
import { entityOption } from './entity-option.js';

interface Flags extends TargetFlags {
  readonly limit: string;
  readonly after?: string;
  readonly entity?: string;
  readonly json?: true;
}

/** The messages in the queue, without payloads. */
export function queueListCommand(context: CommandContext): Command {
  return addTargetOptions(
    describeCommand('list', 'the messages in the queue, oldest first', {
      examples: [
        'arus-mqtt-sync queue list',
        'arus-mqtt-sync queue list --entity work_orders --limit 1000 --json | jq .messages[].key',
        'arus-mqtt-sync queue list --after 4711 --queue-dir /var/lib/arus-mqtt-sync',
      ],
    }),
  )
    .addOption(entityOption('only those of this entity type'))
    .option('--after <position>', 'only those behind this position')
    .option('--limit <number>', 'as many at most', '50')
    .action((flags: Flags) => listMessages(context, flags));
}

async function listMessages(context: CommandContext, flags: Flags): Promise<void> {
  const limit = numberOf('--limit', flags.limit, { from: 1, to: 1_000_000 });
  const after =
    flags.after === undefined ? undefined : numberOf('--after', flags.after, { from: 0, to: Number.MAX_SAFE_INTEGER });
  const { total, messages, hasMore } = await withTarget(context, flags, async (target) => ({
    total: (await target.summary()).queue.messages,
    ...(await firstOf(target, { after, entity: flags.entity }, limit)),
  }));
  const { output } = context;
  if (flags.json) {
    const next = hasMore ? { next: messages.at(-1)!.position } : {};
    return output.document({ total, messages, ...next });
  }
  const headings = ['position', 'accepted', 'entity', 'operation', 'key', 'lane', 'QoS', 'size', 'message id'];
  for (const line of formatTable(headings, messages.map(rowOf))) await output.line(line);
  const more = hasMore ? ` More: --after ${messages.at(-1)!.position}` : '';
  output.note(`${formatCount(messages.length, 'message')} shown, ${total} in the queue.${more}`);
}

async function firstOf(
  target: QueueTarget,
  query: { after: number | undefined; entity: string | undefined },
  limit: number,
) {
  const messages: MessageView[] = [];
  for await (const message of target.messages(query)) {
    if (messages.length === limit) return { messages, hasMore: true };
    messages.push(message);
  }
  return { messages, hasMore: false };
}

function rowOf({ position, acceptedAt, entity, operation, key, lane, qos, bytes, messageId }: MessageView) {
  return [
    String(position),
    acceptedAt,
    entity,
    operation,
    key ?? '-',
    lane,
    String(qos),
    formatBytes(bytes),
    messageId,
  ];
}
