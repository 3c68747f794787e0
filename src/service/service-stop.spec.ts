import { EventEmitter } from 'node:events';
import type { INestApplication, LoggerService } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ServiceStop, type StoppableProcess } from './service-stop.js';

class FakeProcess extends EventEmitter {
  readonly exits: (number | undefined)[] = [];
  exit(code?: number): void {
    this.exits.push(code);
  }
}

const logger: LoggerService = { log() {}, warn() {}, error() {}, fatal() {} };

function setUp(close: () => Promise<void>) {
  const host = new FakeProcess();
  const stop = new ServiceStop(host as unknown as StoppableProcess, 5000, logger);
  stop.watch({ close } as unknown as INestApplication);
  return { host, stop };
}

const hang = () => new Promise<void>(() => {});

describe('ServiceStop', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('closes the application on a signal and exits with 0', async () => {
    const close = vi.fn(() => Promise.resolve());
    const { host } = setUp(close);
    host.emit('SIGTERM');
    await vi.advanceTimersByTimeAsync(0);
    expect(close).toHaveBeenCalledOnce();
    expect(host.exits).toEqual([0]);
  });

  it('exits with 0 inside the deadline when something hangs', async () => {
    const { host } = setUp(hang);
    host.emit('SIGTERM');
    await vi.advanceTimersByTimeAsync(4000);
    expect(host.exits).toEqual([]);
    await vi.advanceTimersByTimeAsync(900);
    expect(host.exits).toEqual([0]);
  });

  it('exits at once, and not with 0, on a second signal', () => {
    const { host } = setUp(hang);
    host.emit('SIGTERM');
    host.emit('SIGINT');
    expect(host.exits).toEqual([1]);
  });

  it('exits with 0 at once when nothing has been started yet', async () => {
    const host = new FakeProcess();
    new ServiceStop(host as unknown as StoppableProcess, 5000, logger);
    host.emit('SIGINT');
    await vi.advanceTimersByTimeAsync(0);
    expect(host.exits).toEqual([0]);
  });

  it('exits with 0 although closing fails', async () => {
    const { host } = setUp(() => Promise.reject(new Error('stuck')));
    host.emit('SIGTERM');
    await vi.advanceTimersByTimeAsync(0);
    expect(host.exits).toEqual([0]);
  });

  it('exits with 1 after an error that nobody caught', () => {
    const { host } = setUp(hang);
    host.emit('uncaughtException', new Error('boom'), 'unhandledRejection');
    expect(host.exits).toEqual([1]);
  });
});
