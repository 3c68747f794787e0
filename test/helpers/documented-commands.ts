import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of the project. */
export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** The shell commands of a document that stand below `<!-- run: name -->`. */
export function documentedCommands(document: string, name: string): string {
  const block = commandBlocks(document).find((one) => one.name === name);
  if (!block) throw new Error(`${document} has no commands called "${name}"`);
  return block.commands;
}

/** A block of shell commands in a document, and the name under which a test runs it, if it has one. */
export interface CommandBlock {
  readonly name: string | undefined;
  readonly commands: string;
}

/** Every block of shell commands of a document. */
export function commandBlocks(document: string): readonly CommandBlock[] {
  const text = readFileSync(`${PROJECT}/${document}`, 'utf8');
  const blocks = text.matchAll(/(?:<!-- run: ([^>]+) -->\s+)?^```(?:sh|bash|shell|console)\n([^]*?)^```/gm);
  return [...blocks].map(([, name, commands]) => ({ name, commands: commands! }));
}

/** Runs shell commands one after the other, up to the first that fails. */
export function runCommands(commands: string, folder: string, input = ''): string {
  const run = spawnSync('bash', ['-euo', 'pipefail', '-c', commands], { cwd: folder, input, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`Commands failed with ${run.status}:\n${commands}\n${run.stdout}${run.stderr}`);
  return run.stdout;
}
