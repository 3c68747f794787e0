import { Logger, type MessageEvent } from '@nestjs/common';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FakeClock } from '../../mqtt-sync/time/fake-clock.js';
import { LiveStream } from './live-stream.js';
import type { OperatorView } from './operator-view.js';

const SECOND = 1000;

function setUp() {
  const clock = new FakeClock();
  let view = { queue: { messages: 0 }, counts: { delivered: 0 } };
  let failure: Error | undefined;
  const read = () => {
    if (failure) throw failure;
    return view as unknown as OperatorView;
  };
  const stream = new LiveStream({ view: read, columns: () => [] }, clock);
  const listen = () => {
    const heard: { type: string; id: string; data: Record<string, unknown> }[] = [];
    let isOver = false;
    const subscription = stream.open().subscribe({
      next: ({ type = '', id = '', data }: MessageEvent) =>
        heard.push({ type, id, data: JSON.parse(data as string) as Record<string, unknown> }),
      complete: () => (isOver = true),
      error: () => (isOver = true),
    });
    return {
      heard,
      types: () => heard.map(({ type }) => type),
      isOver: () => isOver,
      leave: () => subscription.unsubscribe(),
    };
  };
  const queued = (messages: number) => (view = { ...view, queue: { messages } });
  const failWith = (error: Error | undefined) => (failure = error);
  return { clock, stream, listen, queued, failWith };
}

describe('LiveStream', () => {
  it('begins with a snapshot, then tells of changed sections alone, at most once a second', () => {
    const { clock, listen, queued } = setUp();
    const { heard } = listen();
    expect(heard).toMatchObject([{ type: 'snapshot', data: { view: { queue: { messages: 0 } }, flow: [] } }]);
    for (let messages = 1; messages <= 500; messages++) {
      queued(messages);
      clock.advance(4);
    }
    clock.advance(SECOND);
    expect(heard.slice(1).map(({ type, data }) => [type, data['view']])).toEqual([
      ['change', { queue: { messages: 250 } }],
      ['change', { queue: { messages: 500 } }],
    ]);
    expect(new Set(heard.map(({ id }) => id)).size).toBe(heard.length);
  });

  it('says that it lives when there is nothing to tell', () => {
    const { clock, listen } = setUp();
    const { types } = listen();
    clock.advance(31 * SECOND);
    expect(types()).toEqual(['snapshot', 'heartbeat', 'heartbeat']);
  });

  it('tells a client that comes later everything, and those before it of what changed', () => {
    const { clock, listen, queued } = setUp();
    const first = listen();
    queued(7);
    const second = listen();
    expect(second.heard).toMatchObject([{ type: 'snapshot', data: { view: { queue: { messages: 7 } } } }]);
    clock.advance(SECOND);
    expect(first.heard.at(-1)).toMatchObject({ type: 'change', data: { view: { queue: { messages: 7 } } } });
  });

  it('does nothing while nobody listens', () => {
    const { clock, stream, listen } = setUp();
    const { leave } = listen();
    leave();
    expect([stream.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('goes on when the view cannot be read for a while, and logs it once', () => {
    const logged = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
    onTestFinished(() => logged.mockRestore());
    const { clock, listen, queued, failWith } = setUp();
    const { heard } = listen();
    failWith(new Error('EMFILE: too many open files'));
    clock.advance(5 * SECOND);
    expect(logged.mock.calls).toEqual([[expect.stringContaining('EMFILE')]]);
    failWith(undefined);
    queued(7);
    clock.advance(SECOND);
    expect(heard.at(-1)).toMatchObject({ type: 'change', data: { view: { queue: { messages: 7 } } } });
  });

  it('forgets a client to whom nothing could be told', () => {
    const { clock, stream, listen, failWith } = setUp();
    failWith(new Error('EMFILE: too many open files'));
    expect([listen().isOver(), stream.size, clock.pendingTimers]).toEqual([true, 0, 0]);
  });

  it('refuses more clients than it can have', () => {
    const { stream, listen } = setUp();
    for (let count = 0; count < 20; count++) listen();
    expect(() => stream.open()).toThrow('20 clients listen');
  });

  it('ends every stream at once when it closes, and admits nobody afterwards', () => {
    const { clock, stream, listen } = setUp();
    const { types, isOver } = listen();
    stream.close();
    expect([types(), isOver(), stream.size, clock.pendingTimers]).toEqual([['snapshot', 'closing'], true, 0, 0]);
    expect(() => stream.open()).toThrow('stopping');
  });
});
