import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openOnDisk } from '../contract/queue-harness.js';
import { documentedCommands, PROJECT, runCommands } from './documented-commands.js';
import { temporaryFolder } from './service-process.js';

const DOCUMENT = 'docs/operations.md';

export type Variables = Readonly<Record<string, string>>;

/** What the runbook says below a name. */
export const runbookCommands = (name: string): string => documentedCommands(DOCUMENT, name);

/** Runs what the runbook says below a name, with the variables that it leaves to the reader. */
export const runbook = (name: string, variables: Variables): string => runDocumented(runbookCommands(name), variables);

/** Runs documented commands with the command line on the PATH, as an installed package puts it there, and a service at `url`. */
export function runDocumented(commands: string, { url, ...variables }: Variables, programs: Variables = {}): string {
  const folder = temporaryFolder();
  const cli = `#!/bin/sh\nexec node '${join(PROJECT, 'dist/service/cli/main.js')}' "$@"\n`;
  const scripts = Object.entries({ 'arus-mqtt-sync': cli, ...programs });
  for (const [name, script] of scripts) writeFileSync(join(folder, name), script, { mode: 0o755 });
  const all = { ...variables, PATH: `${folder}:${process.env['PATH']}`, PORT: url ? new URL(url).port : '' };
  const exports = Object.entries(all).map(([variable, value]) => `export ${variable}='${value}'`);
  return runCommands(
    [...exports, commands.replaceAll(/http:\/\/(127\.0\.0\.1|localhost):5000/g, url ?? '')].join('\n'),
    folder,
  );
}

/** What the folder of a stopped service holds. */
export async function contentOf(dir: string): Promise<{ epoch: number; messages: number }> {
  const { queue } = await openOnDisk(dir);
  const { epoch } = queue.identity!;
  const { messages } = queue.stats();
  await queue.close();
  return { epoch, messages };
}
