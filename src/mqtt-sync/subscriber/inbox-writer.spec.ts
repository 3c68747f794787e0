import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../logger.js';
import { FakeClock } from '../time/fake-clock.js';
import { InboxWriter } from './inbox-writer.js';
import { Pauses } from './pauses.js';

/** Longer than any pause between tries. */
const A_WHILE_MS = 5000;

/** Lets everything happen that is due. */
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('InboxWriter', () => {
  let clock: FakeClock;
  let pauses: Pauses;
  let writer: InboxWriter;
  let commit: { readonly done: Promise<void>; succeed: () => void; fail: (error: Error) => void };
  let entered: string[];
  let recorded: string[];

  beforeEach(() => {
    clock = new FakeClock();
    pauses = new Pauses(clock, () => 1);
    writer = new InboxWriter(pauses, silentLogger);
    entered = [];
    recorded = [];
    beginCommit();
  });

  function beginCommit(): void {
    let [succeed, fail] = [(): void => {}, (_error: Error): void => {}];
    const done = new Promise<void>((resolve, reject) => ([succeed, fail] = [resolve, reject]));
    commit = { done, succeed, fail };
  }

  function record(name: string): void {
    const enter = (): Promise<void> => {
      entered.push(name);
      return commit.done;
    };
    writer.record({ enter, recorded: () => void recorded.push(name) });
  }

  it('tells those of one commit in their order, and none of the next one', async () => {
    const first = commit;
    record('a');
    record('b');
    beginCommit();
    record('c');
    first.succeed();
    await turn();
    expect(recorded).toEqual(['a', 'b']);
    commit.succeed();
    await writer.settled();
    expect(recorded).toEqual(['a', 'b', 'c']);
  });

  it('tells those that there was nothing to commit for', async () => {
    commit.succeed();
    record('a');
    await turn();
    record('b');
    await turn();
    expect(recorded).toEqual(['a', 'b']);
  });

  it('enters all of a commit that fails again, after a pause, and lets nothing more begin meanwhile', async () => {
    record('a');
    record('b');
    commit.fail(new Error('no room'));
    await turn();
    expect([entered, recorded, writer.unavailableReason]).toEqual([['a', 'b'], [], 'no room']);
    const { ready } = writer;
    expect(ready).toBeInstanceOf(Promise);
    beginCommit();
    clock.advance(A_WHILE_MS);
    await turn();
    expect(entered).toEqual(['a', 'b', 'a', 'b']);
    commit.succeed();
    await ready;
    await writer.settled();
    expect([recorded, writer.unavailableReason, writer.ready]).toEqual([['a', 'b'], undefined, undefined]);
  });

  it('gives up what the stop finds unrecorded: it is not told, and comes again', async () => {
    record('a');
    commit.fail(new Error('no room'));
    await turn();
    pauses.stop();
    await writer.settled();
    expect([entered, recorded]).toEqual([['a'], []]);
  });
});
