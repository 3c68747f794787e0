import type { CommandContext } from '../context.js';
import type { QueueTarget } from './queue-target.js';
import { ServiceClient } from './service-client.js';
import { ServiceTarget } from './service-target.js';
import { type TargetFlags, targetOf } from './target-options.js';

/**
 * Works on what the options name, and closes it whatever happens.
 * @throws {CliError}
 */
export async function withTarget<Result>(
  { env, output }: CommandContext,
  flags: TargetFlags,
  work: (target: QueueTarget) => Promise<Result>,
): Promise<Result> {
  const address = targetOf(flags, env);
  const target =
    address.kind === 'folder'
      ? // Loaded late: the store takes its time, and most commands do without.
        await (await import('./folder-target.js')).FolderTarget.open(address.dir, (text) => output.note(text))
      : new ServiceTarget(new ServiceClient(address));
  try {
    return await work(target);
  } finally {
    await target.close();
  }
}
