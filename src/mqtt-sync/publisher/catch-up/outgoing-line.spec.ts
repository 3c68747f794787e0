import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../time/fake-clock.js';
import type { ControlMessage } from '../delivery-session.js';
import { OutgoingLine } from './outgoing-line.js';
import { Pace } from './pace.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

function setScene() {
  const sent: ControlMessage[] = [];
  const outcomes: string[] = [];
  const scene = { isOpen: true };
  const clock = new FakeClock();
  const line = new OutgoingLine(
    clock,
    new Pace(clock, Infinity),
    (control) => sent.push(control),
    () => scene.isOpen,
    (outcome, { topic }) => outcomes.push(`${topic} ${outcome}`),
  );
  const abort = new AbortController();
  const add = (topic: string, { signal } = abort) => line.add({ topic, payload: Buffer.from(topic) }, signal);
  const topics = () => sent.map(({ topic }) => topic);
  return { line, clock, add, sent, topics, outcomes, scene, abort };
}

describe('The outgoing line of an answer', () => {
  it('sends what was lost with a connection first on the next one, in order', async () => {
    const { line, add, sent, topics, scene, outcomes } = setScene();
    for (const topic of ['a', 'b', 'c']) await add(topic);
    await turn();
    sent[0]!.settled('acknowledged');
    scene.isOpen = false;
    for (const control of sent.slice(1)) control.settled('lost');
    await add('d');
    await turn();
    expect(topics()).toEqual(['a', 'b', 'c']);
    scene.isOpen = true;
    line.wake();
    await turn();
    expect(topics().slice(3)).toEqual(['b', 'c', 'd']);
    expect(outcomes).toEqual(['a acknowledged', 'b lost', 'c lost']);
  });

  it('does not send again what the broker refused', async () => {
    const { line, add, sent, topics } = setScene();
    await add('a');
    await turn();
    sent[0]!.settled('refused');
    line.wake();
    await turn();
    expect(topics()).toEqual(['a']);
  });

  it('sends again what the broker refuses in passing, in order, and less and less often until it takes something', async () => {
    const { clock, add, sent, topics, outcomes } = setScene();
    await add('a');
    await add('b');
    await turn();
    for (const control of sent) control.settled('refused_in_passing');
    await add('c');
    await turn();
    expect(topics()).toEqual(['a', 'b']);
    clock.advance(1000);
    await turn();
    expect(topics()).toEqual(['a', 'b', 'a', 'b', 'c']);
    for (const control of sent.slice(2)) control.settled('refused_in_passing');
    clock.advance(1999);
    await turn();
    expect(sent).toHaveLength(5);
    clock.advance(1);
    await turn();
    expect(topics().slice(5)).toEqual(['a', 'b', 'c']);
    for (const control of sent.slice(5)) control.settled('acknowledged');
    expect(outcomes.slice(5)).toEqual(['a acknowledged', 'b acknowledged', 'c acknowledged']);
    await add('d');
    await turn();
    sent[8]!.settled('refused_in_passing');
    clock.advance(1000);
    await turn();
    expect(topics().slice(8)).toEqual(['d', 'd']);
  });

  it('gives up what is refused in passing for minutes, since others wait behind it', async () => {
    const { clock, add, sent, outcomes } = setScene();
    await add('a');
    let seconds = 0;
    for (; seconds < 3600 && !outcomes.includes('a refused'); seconds++) {
      await turn();
      for (const control of sent.splice(0)) control.settled('refused_in_passing');
      clock.advance(1000);
    }
    expect(outcomes).toEqual([...Array<string>(7).fill('a refused_in_passing'), 'a refused']);
    expect(seconds).toBeGreaterThan(100);
    clock.advance(60_000);
    await turn();
    expect(sent).toEqual([]);
    // What comes after it has as many tries.
    await add('b');
    await turn();
    sent.pop()!.settled('refused_in_passing');
    expect(outcomes.at(-1)).toBe('b refused_in_passing');
  });

  it('takes no more than 32 at a time, and goes on when there is room', async () => {
    const { add, sent } = setScene();
    for (let count = 1; count < 32; count++) await add(`${count}`);
    let hasRoom = false;
    void add('32').then(() => (hasRoom = true));
    await turn();
    expect([sent.length, hasRoom]).toEqual([32, false]);
    sent[0]!.settled('acknowledged');
    await turn();
    expect(hasRoom).toBe(true);
  });

  it('leaves out what nobody waits for any more', async () => {
    const { line, add, topics, scene, abort } = setScene();
    scene.isOpen = false;
    await add('given up');
    await add('wanted', new AbortController());
    abort.abort();
    scene.isOpen = true;
    line.wake();
    await turn();
    expect(topics()).toEqual(['wanted']);
  });

  it('sends nothing after the stop, and keeps nobody waiting', async () => {
    const { line, add, sent } = setScene();
    for (let count = 1; count < 32; count++) await add(`${count}`);
    const waiting = add('32');
    await turn();
    line.stop();
    await waiting;
    await add('more');
    sent[0]!.settled('lost');
    await turn();
    expect(sent).toHaveLength(32);
  });
});
