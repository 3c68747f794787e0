import { describe, expect, it } from 'vitest';
import { BackgroundTraffic } from './background-traffic.js';
import type { ControlMessage } from './delivery-session.js';

function setScene() {
  const traffic = new BackgroundTraffic();
  const outcomes: string[] = [];
  const add = (topic: string, bytes = 100) =>
    traffic.add({
      ...{ topic, payload: Buffer.alloc(bytes), retain: false },
      settled: (outcome) => outcomes.push(`${topic} ${outcome}`),
    });
  const drain = (windowBytes: number, windowMessages: number): ControlMessage[] => {
    const taken: ControlMessage[] = [];
    for (let next = traffic.next(windowBytes, windowMessages); next; next = traffic.next(windowBytes, windowMessages))
      taken.push(next);
    return taken;
  };
  return { traffic, add, drain, outcomes };
}

describe('BackgroundTraffic', () => {
  it('takes an eighth of the window, in messages and in bytes', () => {
    const { add, drain } = setScene();
    for (let count = 0; count < 20; count++) add(`${count}`);
    expect(drain(1e6, 32)).toHaveLength(4);
    const other = setScene();
    for (let count = 0; count < 20; count++) other.add(`${count}`);
    expect(other.drain(8 * 250, 1000)).toHaveLength(3);
  });

  it('has room for one, however small the window or large the message', () => {
    const { add, drain } = setScene();
    add('large', 1e6);
    add('next');
    expect(drain(100, 1).map(({ topic }) => topic)).toEqual(['large']);
  });

  it.each(['acknowledged', 'refused', 'lost'] as const)('has the room again of what was %s', (outcome) => {
    const { add, drain, outcomes } = setScene();
    for (const topic of ['a', 'b']) add(topic);
    const [first] = drain(1e6, 8);
    first!.settled(outcome);
    expect(outcomes).toEqual([`a ${outcome}`]);
    expect(drain(1e6, 8).map(({ topic }) => topic)).toEqual(['b']);
  });

  it('tells what was not sent as such when the connection is gone', () => {
    const { traffic, add, drain, outcomes } = setScene();
    for (const topic of ['sent', 'waiting']) add(topic);
    drain(1e6, 8);
    traffic.disconnected();
    expect(outcomes).toEqual(['waiting not_sent']);
  });
});
