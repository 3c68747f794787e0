import { createReadStream, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import { usageError } from '../cli-error.js';
import type { CommandContext } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { formatCount, printable } from '../format.js';
import type { BadLine } from '../publish/prepared-change.js';
import { Progress } from '../publish/progress.js';
import { Publication } from '../publish/publication.js';
import { ServiceClient, UnreachableError } from '../target/service-client.js';
import { numberOf, secondsOf, serviceOf, type TargetFlags } from '../target/target-options.js';
import { addServiceOptions, describeCommand } from './command.js';

interface Flags extends TargetFlags {
  readonly fromLine: string;
  readonly patience: string;
  readonly stopAtBadLine?: true;
  readonly json?: true;
}

/** Hands changes to a running service, line by line. */
export function publishCommand(context: CommandContext): Command {
  return addServiceOptions(
    describeCommand('publish', 'publishes changes from a file or standard input, one JSON object a line', {
      more:
        'A line is what POST .../changes takes: {"entity", "operation", "key", "data", "qos", "retain", "messageId"}. Bad lines ' +
        'are reported with their number and reason, and the others go on. While the service has no room, or is restarted, it ' +
        'waits and tries again. Lines with a messageId are accepted once, however often the file is published. Only a running ' +
        'service can take changes.',
      examples: [
        'arus-mqtt-sync publish changes.jsonl',
        `echo '{"entity":"crew","operation":"update","key":"7","data":{"id":"7"}}' | arus-mqtt-sync publish`,
        'arus-mqtt-sync publish changes.jsonl --from-line 12001 --stop-at-bad-line',
        'arus-mqtt-sync publish changes.jsonl --json | jq "select(.error)"',
      ],
    }),
  )
    .argument('[file]', 'JSON lines; - or nothing: standard input')
    .option('--from-line <number>', 'leave out the lines before', '1')
    .option('--stop-at-bad-line', 'publish nothing behind the first bad line')
    .option('--patience <seconds>', 'how long to try again while nothing is accepted', '300')
    .action((file: string | undefined, flags: Flags) => publish(context, file, flags));
}

async function publish(context: CommandContext, file: string | undefined, flags: Flags): Promise<void> {
  const { output, env, exitWith } = context;
  const client = new ServiceClient(serviceOf(flags, env));
  const fromLine = numberOf('--from-line', flags.fromLine, { from: 1, to: Number.MAX_SAFE_INTEGER });
  const patienceMs = secondsOf('--patience', flags.patience) * 1000;
  const { source, totalBytes } = openInput(context, file);
  const progress = new Progress(output, totalBytes);
  context.interruptible();
  const publication = new Publication(client, {
    ...{ fromLine, patienceMs, signal: context.interruption, stopsAtBadLine: flags.stopAtBadLine === true },
    waiting: (reason) => progress.wait(reason),
    advanced: (advance) => progress.update(advance),
    bad: async ({ line, reason }: BadLine) => {
      if (flags.json) await output.jsonLine({ line, error: reason });
      else progress.note(`Line ${line}: ${printable(reason)}`);
    },
  });
  try {
    await publication.run(source);
    await tellEnd(context, publication, progress, flags, true);
    if (fromLine > Math.max(1, publication.lastLine)) output.note(noneFrom(fromLine, publication.lastLine));
    if (publication.bad > 0) exitWith(EXIT.failed);
  } catch (error) {
    await tellEnd(context, publication, progress, flags, false);
    if (error instanceof UnreachableError && publication.accepted > 0) {
      output.note('What was under way may have been accepted.');
    }
    throw error;
  } finally {
    // Whoever writes to standard input may do so for ever.
    source.destroy();
  }
}

async function tellEnd(
  { output }: CommandContext,
  { accepted, bad, nextLine }: Publication,
  progress: Progress,
  { json }: Flags,
  complete: boolean,
): Promise<void> {
  progress.clear();
  if (json) return output.jsonLine({ accepted, bad, complete, ...(!complete && { nextLine }) });
  const wrong = bad > 0 ? `, ${formatCount(bad, 'bad line')}` : '';
  const resume = complete ? '' : ` Resume with --from-line ${nextLine}.`;
  await output.line(`${formatCount(accepted, 'change')} accepted${wrong}.${resume}`);
}

/** Done, and yet perhaps not what was meant. */
function noneFrom(fromLine: number, lastLine: number): string {
  return lastLine === 0
    ? 'There is no line at all.'
    : `The last line is ${lastLine}: there is none from ${fromLine} on.`;
}

function openInput(
  { stdin }: CommandContext,
  file: string | undefined,
): { readonly source: Readable; readonly totalBytes: number | undefined } {
  if (file === undefined || file === '-') {
    if (stdin.isTTY) throw usageError('What is to be published? Name a file, or give lines on standard input.');
    return { source: stdin, totalBytes: undefined };
  }
  try {
    const found = statSync(file);
    if (found.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    return { source: createReadStream(file), totalBytes: found.isFile() ? found.size : undefined };
  } catch (error) {
    throw usageError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`);
  }
}
