import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Output } from '../output.js';
import { Progress } from './progress.js';

function scene(isTTY: boolean, totalBytes: number | undefined) {
  const stderr = Object.assign(new PassThrough(), { isTTY });
  let nowMs = 0;
  const progress = new Progress(new Output(new PassThrough(), stderr, {}), totalBytes, () => nowMs);
  const said = () => String((stderr.read() as Buffer | null) ?? '');
  return { progress, said, pass: (ms: number) => void (nowMs += ms) };
}

describe('the progress of a publication', () => {
  it('is a bar on a terminal, drawn now and then, and taken away for a line', () => {
    const { progress, said, pass } = scene(true, 2000);
    progress.update({ accepted: 1, bad: 0, bytes: 10 });
    expect(said()).toBe('');
    pass(1000);
    progress.update({ accepted: 500, bad: 1, bytes: 500 });
    expect(said()).toBe(
      '\r\x1b[K[######..................]  25 % 500 accepted, 1 bad, 500 B of 2.0 kB, 500/s, 3 s left',
    );
    progress.note('Line 3: it is not JSON');
    expect(said()).toBe('\r\x1b[KLine 3: it is not JSON\n');
    progress.wait('the queue is full');
    expect(said()).toMatch(/ {2}waiting$/);
  });

  it('has no bar where nobody knows the end', () => {
    const { progress, said, pass } = scene(true, undefined);
    pass(2000);
    progress.update({ accepted: 500, bad: 0, bytes: 500 });
    expect(said()).toBe('\r\x1b[K500 accepted, 500 B, 250/s');
  });

  it('is a line now and then in a log, and a line when it has to wait', () => {
    const { progress, said, pass } = scene(false, 2000);
    pass(5000);
    progress.update({ accepted: 1, bad: 0, bytes: 1 });
    expect(said()).toBe('');
    pass(5000);
    progress.update({ accepted: 20_000, bad: 0, bytes: 1000 });
    expect(said()).toBe('20,000 accepted, 1.0 kB of 2.0 kB, 2,000/s, 10 s left\n');
    progress.wait('full');
    progress.wait('full');
    progress.wait(undefined);
    expect(said()).toBe('Waiting: full\n');
    progress.clear();
    expect(said()).toBe('');
  });
});
