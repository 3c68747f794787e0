import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { silentLogger } from './logger.js';
import { SyncEvents } from './sync-events.js';

describe('SyncEvents', () => {
  it('tells every listener although one of them throws, and logs that one', () => {
    const error = vi.fn();
    const events = new SyncEvents({ ...silentLogger, error });
    const heard: string[] = [];
    events.on('disconnected', () => {
      throw new Error('broken listener');
    });
    events.on('disconnected', ({ reason }) => heard.push(reason));
    events.emit('disconnected', { reason: 'gone' });
    expect(heard).toEqual(['gone']);
    expect(error).toHaveBeenCalledWith(expect.stringContaining('broken listener'));
  });

  it('logs an asynchronous listener that rejects, and does not let it end the process', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    onTestFinished(() => void process.off('unhandledRejection', unhandled));
    const error = vi.fn();
    const events = new SyncEvents({ ...silentLogger, error });
    const heard: string[] = [];
    events.on('disconnected', async () => {
      await Promise.resolve();
      throw new Error('the database is down');
    });
    events.on('disconnected', ({ reason }) => heard.push(reason));
    events.emit('disconnected', { reason: 'gone' });
    expect(heard).toEqual(['gone']);
    // Node tells of unhandled rejections before the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    expect(error.mock.calls).toEqual([['A listener of "disconnected" threw: the database is down']]);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('tells the others although what a listener returned cannot be looked at', () => {
    const error = vi.fn();
    const events = new SyncEvents({ ...silentLogger, error });
    const listener = vi.fn(() => null);
    events.on('disconnected', () => ({
      get then(): never {
        throw new Error('no promise');
      },
    }));
    events.on('disconnected', listener);
    events.emit('disconnected', { reason: 'gone' });
    expect(listener).toHaveBeenCalledTimes(1);
    expect(error.mock.calls).toEqual([['A listener of "disconnected" threw: no promise']]);
  });

  it('tells a listener registered with once() only once', () => {
    const events = new SyncEvents(silentLogger);
    const listener = vi.fn();
    events.once('reconnecting', listener);
    events.emit('reconnecting', { attempt: 1 });
    events.emit('reconnecting', { attempt: 2 });
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('tells a listener registered with once() only once although the event comes again while it is told', () => {
    const events = new SyncEvents(silentLogger);
    const listener = vi.fn();
    events.on('reconnecting', ({ attempt }) => {
      if (attempt === 1) events.emit('reconnecting', { attempt: 2 });
    });
    events.once('reconnecting', listener);
    events.emit('reconnecting', { attempt: 1 });
    expect(listener.mock.calls).toEqual([[{ attempt: 2 }]]);
  });

  it('tells the rest of an event although a listener takes itself or another one off', () => {
    const events = new SyncEvents(silentLogger);
    const heard: string[] = [];
    const second = () => heard.push('second');
    events.on('reconnecting', function first() {
      events.off('reconnecting', first).off('reconnecting', second);
    });
    events.on('reconnecting', second);
    events.on('reconnecting', () => heard.push('third'));
    events.emit('reconnecting', { attempt: 1 });
    events.emit('reconnecting', { attempt: 2 });
    expect(heard).toEqual(['second', 'third', 'third']);
  });

  it('keeps the other registration of a listener that was registered twice', () => {
    const events = new SyncEvents(silentLogger);
    const listener = vi.fn();
    events.on('reconnecting', listener).once('reconnecting', listener);
    events.emit('reconnecting', { attempt: 1 });
    events.emit('reconnecting', { attempt: 2 });
    expect(listener).toHaveBeenCalledTimes(3);
    events.off('reconnecting', listener).off('reconnecting', listener);
    events.emit('reconnecting', { attempt: 3 });
    expect(listener).toHaveBeenCalledTimes(3);
  });

  it('does not tell a listener that was taken off', () => {
    const events = new SyncEvents(silentLogger);
    const listener = vi.fn();
    events.on('reconnecting', listener).off('reconnecting', listener);
    events.emit('reconnecting', { attempt: 1 });
    expect(listener).not.toHaveBeenCalled();
  });
});
