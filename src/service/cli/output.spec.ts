import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Output } from './output.js';

const terminal = (env: object) =>
  Object.assign(new PassThrough(), { isTTY: true, hasColors: (given: { NO_COLOR?: string } = env) => !given.NO_COLOR });

const errorOf = (code: string) => Object.assign(new Error(code), { code });

describe('the output', () => {
  it('has colours on a terminal only, and none with NO_COLOR', () => {
    const paint = (stdout: PassThrough, env: NodeJS.ProcessEnv) =>
      new Output(stdout, new PassThrough(), env).paint('x', 'red');
    expect(paint(terminal({}), {})).toBe('\x1b[31mx\x1b[0m');
    expect(paint(terminal({}), { NO_COLOR: '1' })).toBe('x');
    expect(paint(new PassThrough(), {})).toBe('x');
  });

  it('waits for a slow reader', async () => {
    const stdout = new PassThrough({ highWaterMark: 1 });
    const output = new Output(stdout, new PassThrough(), {});
    let isWritten = false;
    const writing = output.line('a long line').then(() => (isWritten = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isWritten).toBe(false);
    stdout.resume();
    await writing;
  });

  it('goes on, and says so, when nobody reads any more', async () => {
    const stdout = new Writable({ write: (_chunk, _encoding, done) => done(errorOf('EPIPE')) });
    const output = new Output(stdout, new PassThrough(), {});
    await output.line('a');
    expect(output.isClosed).toBe(true);
    await output.line('b');
    expect(await output.failure()).toBeUndefined();
  });

  it.each(['ENOSPC', 'EFBIG', 'EIO'])('remembers %s, also when nobody waits for the line', async (code) => {
    const stdout = new Writable({ write: (_chunk, _encoding, done) => setImmediate(() => done(errorOf(code))) });
    const output = new Output(stdout, new PassThrough(), {});
    void output.line('a');
    expect(await output.failure()).toBe(`The result cannot be written: ${code}.`);
    await output.line('b');
    expect(output.isClosed).toBe(true);
  });
});
