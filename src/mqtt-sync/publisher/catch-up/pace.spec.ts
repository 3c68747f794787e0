import { expect, it } from 'vitest';
import { FakeClock } from '../../time/fake-clock.js';
import { Pace } from './pace.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('lets so many pass a second, evenly, in order, and saves nothing up', async () => {
  const clock = new FakeClock();
  const pace = new Pace(clock, 4);
  clock.advance(10_000);
  const passed: string[] = [];
  for (const name of ['a', 'b', 'c']) void pace.next().then(() => passed.push(`${name} ${clock.monotonicMs()}`));
  for (let step = 0; step < 10; step++) {
    await turn();
    clock.advance(125);
  }
  await turn();
  expect(passed).toEqual(['a 10000', 'b 10250', 'c 10500']);
});

it('keeps nobody waiting when everything is over', async () => {
  const clock = new FakeClock();
  const pace = new Pace(clock, 1);
  await pace.next();
  const waiting = pace.next();
  pace.stop();
  await waiting;
  expect(clock.pendingTimers).toBe(0);
});
