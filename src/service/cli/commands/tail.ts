import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { printable } from '../format.js';
import { feedOf } from '../tail/event-feed.js';
import type { ServerSentEvent } from '../tail/server-sent-events.js';
import { describeChange, describeStart, type TailView } from '../tail/tail-lines.js';
import { ServiceClient } from '../target/service-client.js';
import { serviceOf, type TargetFlags } from '../target/target-options.js';
import { addServiceOptions, describeCommand } from './command.js';

type Flags = TargetFlags & { readonly json?: true };

/** What an event tells. */
interface Told {
  readonly timestamp: string;
  readonly view?: Partial<TailView>;
}

/** What goes on, live. */
export function tailCommand(context: CommandContext): Command {
  return addServiceOptions(
    describeCommand('tail', 'what goes on, live: connection, deliveries, dead letters', {
      more:
        'At most one event a second, whatever the traffic; numbers, no payloads, so it needs no token. When the service goes ' +
        'away it waits for it to come back. Ends with SIGINT (Ctrl-C). With --json one event a line, as GET .../events has it.',
      examples: [
        'arus-mqtt-sync tail',
        'arus-mqtt-sync tail --url http://ship:5000 --json | jq .view.queue.messages',
        'timeout 60 arus-mqtt-sync tail',
      ],
    }),
  ).action((flags: Flags) => tail(context, flags));
}

async function tail(context: CommandContext, flags: Flags): Promise<void> {
  const { output, env, interruption: signal } = context;
  const client = new ServiceClient(serviceOf(flags, env));
  context.interruptible();
  const lost = (reason: string) => signal.aborted || output.note(`The stream broke: ${reason}. Trying again.`);
  const teller = new Teller();
  for await (const event of feedOf(client, { signal, lost })) {
    if (flags.json) await output.jsonLine({ event: event.type, ...(JSON.parse(event.data) as object) });
    else for (const line of teller.linesOf(event)) await output.line(line);
    if (output.isClosed) return;
  }
}

/** Turns events into lines; remembers what was told before. */
class Teller {
  private view: TailView | undefined;

  linesOf({ type, data }: ServerSentEvent): string[] {
    const { timestamp, view } = JSON.parse(data) as Told;
    if (type === 'closing') return [`${timestamp}  the service is stopping`];
    if (!view) return [];
    const before = this.view;
    const after = { ...before, ...view } as TailView;
    this.view = after;
    const lines = before && type === 'change' ? describeChange(before, after) : describeStart(after);
    return lines.map((line) => `${timestamp}  ${printable(line)}`);
  }
}
