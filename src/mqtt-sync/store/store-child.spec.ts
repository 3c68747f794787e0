import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../../../test/helpers/wait.js';
import { runOnStore } from './store-child.js';

const never = new AbortController().signal;
const options = { budgetMs: 10_000, signal: never };

function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'store-child-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

describe('runOnStore()', () => {
  it('says how a process ended that did something with a store', async () => {
    const say = (_open: unknown, text: string, isDone: boolean) => {
      console.error(text);
      return isDone;
    };
    expect(await runOnStore(say, ['two\n lines', true], options)).toEqual({ outcome: 'done', lastWords: 'two lines' });
    expect(await runOnStore(say, ['no', false], options)).toEqual({ outcome: 'failed', lastWords: 'no' });
  });

  it('tells damage, of which a process dies, from what is wrong with the process', async () => {
    const die = (_open: unknown, signal: string) => {
      process.kill(process.pid, signal);
      for (;;);
    };
    expect(await runOnStore(die, ['SIGBUS'], options)).toEqual({ outcome: 'died', lastWords: 'died of SIGBUS' });
    expect(await runOnStore(die, ['SIGTERM'], options)).toEqual({
      outcome: 'broken',
      lastWords: 'it was ended by SIGTERM',
    });
    const fail = () => {
      throw new Error('no memory');
    };
    expect(await runOnStore(fail, [], options)).toEqual({ outcome: 'broken', lastWords: 'no memory' });
  });

  it('ends the process, however busy it is, when nobody wants it any more', async () => {
    const file = join(temporaryFolder(), 'pid');
    const neverEnd = (_open: unknown, path: string) => {
      process.getBuiltinModule('node:fs').writeFileSync(path, String(process.pid));
      for (;;);
    };
    const controller = new AbortController();
    const running = runOnStore(neverEnd, [file], { ...options, signal: controller.signal });
    const pid = () => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0);
    await until(() => pid() > 0, { what: 'the process to be busy' });
    controller.abort(new Error('not wanted'));
    await expect(running).rejects.toThrow('not wanted');
    expect(() => process.kill(pid(), 0)).toThrow(/ESRCH/);
  });

  it('begins nothing that nobody wants', async () => {
    const aborted = { ...options, signal: AbortSignal.abort(new Error('not wanted')) };
    await expect(runOnStore(() => true, [], aborted)).rejects.toThrow('not wanted');
  });
});
