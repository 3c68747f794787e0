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
  const line = new OutgoingLine(
    new Pace(new FakeClock(), Infinity),
    (control) => sent.push(control),
    () => scene.isOpen,
    (outcome, { topic }) => outcomes.push(`${topic} ${outcome}`),
  );
  const abort = new AbortController();
  const add = (topic: string, { signal } = abort) => line.add({ topic, payload: Buffer.from(topic) }, signal);
  const topics = () => sent.map(({ topic }) => topic);
  return { line, add, sent, topics, outcomes, scene, abort };
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
