import { describe, expect, it } from 'vitest';
import { QueueLockedError, QueueUnavailableError } from './errors.js';
import { silentLogger } from './logger.js';
import { type LifecycleParts, MqttSyncLifecycle } from './mqtt-sync.lifecycle.js';
import { FakeClock } from './time/fake-clock.js';

const UNAVAILABLE = new QueueUnavailableError('The folder cannot be used.');
const RAW = new Error('No space left on device');
const OPEN = { vesselId: 'v', epoch: 1 };

/** A lifecycle whose queue answers each try to open it with the next of these; the last one from then on. */
function starting(...answers: readonly (Error | typeof OPEN)[]) {
  const clock = new FakeClock();
  const lines: string[] = [];
  let tries = 0;
  const open = () => {
    const answer = answers[Math.min(tries++, answers.length - 1)]!;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const write = (line: string) => void lines.push(line);
  const parts = {
    options: { localMode: true, vesselId: 'v', topicPrefix: 'p', inboundPrefix: 'p', catchUp: { maxPerSecond: 1 } },
    queue: { open, identity: undefined },
    connection: { observe: () => undefined },
    requests: { want: () => undefined },
    dispatcher: { send: () => undefined, sendBehind: () => undefined },
    logger: { ...silentLogger, log: write, error: write },
    clock,
  };
  const lifecycle = new MqttSyncLifecycle(parts as unknown as LifecycleParts);
  const later = async (times: number) => {
    for (let time = 0; time < times; time++) {
      clock.advance(5000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { lifecycle, lines, later, tries: () => tries };
}

describe('The opening of the queue at the start', () => {
  it.each([new QueueLockedError('Somebody else has it.'), RAW])(
    'fails where waiting would not help (%s)',
    async (error) => {
      const { lifecycle, later, tries } = starting(error);
      await expect(lifecycle.open()).rejects.toBe(error);
      await later(3);
      expect(tries()).toBe(1);
    },
  );

  it.each([
    ['an error of its own', UNAVAILABLE],
    ['a lock', new QueueLockedError('Somebody else has it.')],
    ['an error of the system', RAW],
  ] as [string, Error][])('is tried again until it succeeds, once the application runs, after %s', async (_, error) => {
    const { lifecycle, later, tries, lines } = starting(UNAVAILABLE, error, error, OPEN);
    await lifecycle.open();
    await later(5);
    expect(tries()).toBe(4);
    expect(lines.at(-1)).toContain('The queue is open now');
  });

  it('is said once for each reason', async () => {
    const { lifecycle, later, lines } = starting(UNAVAILABLE, UNAVAILABLE, RAW, RAW, RAW);
    await lifecycle.open();
    await later(10);
    expect(lines).toEqual([
      expect.stringContaining('cannot be used'),
      expect.stringContaining('opened: No space left on device. '),
    ]);
    expect(lines.every((line) => line.endsWith('Trying again every 5 s.'))).toBe(true);
  });
});

describe('The start', () => {
  it.each([
    [20, true, [expect.stringContaining('set keepaliveS to 59 or more')]],
    [20, false, []],
    [60, true, []],
  ])('warns of a keepalive too short for the largest message (%i s, sync on: %s)', (keepaliveS, localMode, said) => {
    const lines: string[] = [];
    const parts = {
      options: { localMode, keepaliveS, maxMessageBytes: 262_144 },
      queue: { identity: undefined },
      logger: { ...silentLogger, warn: (line: string) => void lines.push(line) },
    };
    new MqttSyncLifecycle(parts as unknown as LifecycleParts).onModuleInit();
    expect(lines).toEqual(said);
  });
});

describe('The stop', () => {
  /** A lifecycle whose parts end at once, but for these. */
  function running(queue: object, receiver: object) {
    const clock = new FakeClock();
    const nothing = () => Promise.resolve();
    const parts = {
      options: {
        ...{ localMode: true, vesselId: 'v', topicPrefix: 'p', inboundPrefix: 'p' },
        ...{ shutdownDeadlineMs: 1000, catchUp: { maxPerSecond: 1 } },
      },
      queue: { settled: nothing, stats: () => ({ messages: 0 }), ...queue },
      receiver: { stop: nothing, ...receiver },
      connection: { observe: nothing, stop: nothing, isConnected: false, start: nothing },
      requests: { want: nothing },
      dispatcher: { send: nothing, sendBehind: nothing, drain: nothing, hold: nothing, stop: nothing },
      ...{ publisher: { stop: nothing }, watch: { stop: nothing }, gaps: { stop: nothing }, askers: [] },
      ...{ logger: silentLogger, clock },
    };
    return { lifecycle: new MqttSyncLifecycle(parts as unknown as LifecycleParts), clock };
  }

  /** Lets time pass until something has ended, two seconds of it at most. */
  async function ended(ending: Promise<void>, clock: FakeClock): Promise<void> {
    let isOver = false;
    void ending.then(() => (isOver = true));
    for (let step = 0; step < 200 && !isOver; step++) {
      clock.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(isOver).toBe(true);
  }

  it('receives nothing for a queue that opens while it goes on', async () => {
    let opened = () => {};
    const opening = new Promise<typeof OPEN>((resolve) => (opened = () => resolve(OPEN)));
    const started: string[] = [];
    const start = (vesselId: string) => void started.push(vesselId);
    const { lifecycle } = running({ open: () => opening, identity: OPEN }, { start });
    const starting = lifecycle.open();
    await lifecycle.beforeApplicationShutdown();
    lifecycle.onApplicationBootstrap();
    opened();
    await starting;
    expect(started).toEqual([]);
  });

  it.each([
    ['all of the deadline is used up', 1000],
    ['the inbox does not close', 0],
  ])('waits for the store of the queue, which is closed soon, where %s', async (_, elapsedMs) => {
    let isClosed = false;
    const close = () =>
      new Promise<void>((resolve) =>
        clock.after(40, () => {
          isClosed = true;
          resolve();
        }),
      );
    const { lifecycle, clock } = running({ close }, { close: () => new Promise<void>(() => {}) });
    await lifecycle.beforeApplicationShutdown();
    clock.advance(elapsedMs);
    await ended(lifecycle.onApplicationShutdown(), clock);
    expect(isClosed).toBe(true);
  });

  it('does not wait for stores that never close', async () => {
    const never = { close: () => new Promise<void>(() => {}) };
    const { lifecycle, clock } = running(never, never);
    await lifecycle.beforeApplicationShutdown();
    await ended(lifecycle.onApplicationShutdown(), clock);
    expect(clock.monotonicMs()).toBeLessThanOrEqual(1000);
  });
});
