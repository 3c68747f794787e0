import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { DEAD_LETTER_REASONS } from '../../mqtt-sync/queue/reasons.js';
import type { CommandContext } from './context.js';
import { Output } from './output.js';
import { runCommandLine } from './program.js';

/** Runs a command line in this process, without a terminal. */
async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let exitCode = 0;
  const context: CommandContext = {
    ...{ env, stderr, output: new Output(stdout, stderr, env), stdin: stdin.end() as unknown as NodeJS.ReadStream },
    ...{ interruption: new AbortController().signal, interruptible: () => {} },
    exitWith: (code) => (exitCode = code),
  };
  await runCommandLine(args, context);
  const said = (stream: PassThrough) => String((stream.read() as Buffer | null) ?? '');
  return { exitCode, stdout: said(stdout), stderr: said(stderr) };
}

const COMMANDS = [
  ...['status', 'publish', 'tail', 'check', 'queue', 'dead'],
  ...['list', 'show', 'stats', 'export', 'purge', 'new-epoch'].map((name) => `queue ${name}`),
  ...['list', 'show', 'retry', 'discard'].map((name) => `dead ${name}`),
];

const MISTAKES: readonly (readonly [string, readonly string[]])[] = [
  ['no command', []],
  ['an unknown command', ['stats']],
  ['an unknown option', ['status', '--tokn=sesame']],
  ['a URL of another kind', ['status', '--url', 'mqtt://x']],
  ['a URL with credentials', ['status', '--url', 'http://me:sesame@x']],
  ['two targets', ['status', '--url', 'http://x', '--queue-dir', 'y']],
  ['a limit of nothing', ['queue', 'list', '--limit', '0']],
  ['no position', ['dead', 'show']],
  ['a position that is none', ['dead', 'show', 'first']],
  ['nothing to act on', ['dead', 'retry']],
  ['positions beside a choice', ['dead', 'retry', '1', '--all']],
  ['a file that is not there', ['publish', '/nowhere/changes.jsonl']],
  ['a folder in place of a file', ['publish', '/']],
  ['a token file that is not there', ['status', '--token-file', '/nowhere/token']],
  ['a reason that there is not', ['dead', 'list', '--reason', 'foo']],
  ['a reason to retry that there is not', ['dead', 'retry', '--reason', 'foo']],
  ...['dead list', 'dead retry', 'dead discard', 'queue list', 'queue export', 'queue purge'].map(
    (command) => [`an entity type that is none for ${command}`, [...command.split(' '), '--entity', 'ZZ']] as const,
  ),
  ['no folder for a new epoch', ['queue', 'new-epoch', '--yes']],
];

describe('the command line', () => {
  it('explains itself and its exit codes', async () => {
    const { exitCode, stdout, stderr } = await run(['--help']);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Usage: arus-mqtt-sync [^]*\nExit codes:\n {2}0 +done/);
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+/);
  });

  it.each(COMMANDS)('explains %s, with examples', async (command) => {
    const { exitCode, stdout, stderr } = await run([...command.split(' '), '--help']);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^Usage: arus-mqtt-sync ${command}[^]*\nExamples:\n {2}.*arus-mqtt-sync`));
  });

  it.each(COMMANDS.filter((command) => !/^(queue|dead)$| (show|export)$/.test(command)))(
    'has JSON for %s',
    async (command) => expect((await run([...command.split(' '), '--help'])).stdout).toContain('--json'),
  );

  it('names the reasons that there are, in the help and where one is wrong', async () => {
    for (const reason of DEAD_LETTER_REASONS) {
      for (const args of [['--help'], ['--reason', 'foo']]) {
        const { stdout, stderr } = await run(['dead', 'list', ...args]);
        expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toContain(reason);
      }
    }
  });

  it.each([
    ['--json', 'dead', 'list', '--reason', 'foo'],
    ['dead', '--json', 'list', '--reason', 'foo'],
  ])('takes --json before the command as well: %s %s %s', async (...args) => {
    const { exitCode, stderr } = await run(args);
    expect([exitCode, JSON.parse(stderr)]).toMatchObject([2, { error: { code: 'usage' } }]);
    expect(stderr).toMatch(/--reason.* refused, .*corrupt\. Try --help/);
  });

  it.each(MISTAKES)('refuses %s in JSON with the code, where JSON is asked for', async (_what, args) => {
    const { exitCode, stdout, stderr } = await run([...args, '--json']);
    expect([exitCode, stdout]).toEqual([2, '']);
    const { error } = JSON.parse(stderr) as { error: { message: string } };
    expect(error).toEqual({ code: 'usage', exitCode: 2, message: expect.stringMatching(/\. Try --help\.$/) as string });
    expect(stderr).not.toContain('sesame');
  });

  it.each(MISTAKES)('refuses %s, says so on standard error, and shows no secret', async (_what, args) => {
    const { exitCode, stdout, stderr } = await run(args);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/--help|Usage/);
    expect(stderr).not.toContain('sesame');
  });
});
