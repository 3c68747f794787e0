import { describe, expect, it } from 'vitest';
import { describeChange, describeStart, type TailView } from './tail-lines.js';

const VIEW = {
  service: { vesselId: 'mv-aurora' },
  health: { status: 'healthy', reasons: [] },
  connection: { connected: true, broker: 'mqtt://shore', protocol: '5' },
  queue: { open: true, messages: 0, inFlight: 0, deadLetters: 0 },
  counts: { delivered: 10, dropped: 0 },
  gaps: { untold: 0 },
} as unknown as TailView;

const changed = (change: { [Section in keyof TailView]?: Partial<TailView[Section]> }): TailView =>
  Object.fromEntries(
    Object.entries(VIEW).map(([name, section]) => [name, { ...section, ...change[name as keyof TailView] }]),
  ) as unknown as TailView;

describe('what tail tells', () => {
  it('begins with how it is', () => {
    expect(describeStart(VIEW)).toEqual([
      'mv-aurora healthy',
      'connected to mqtt://shore, MQTT 5',
      '0 messages waiting, 0 dead letters, 0 gaps not told yet',
    ]);
  });

  it('begins without a word of what is in a queue that is not open', () => {
    expect(describeStart(changed({ queue: { open: false } })).at(-1)).toBe(
      'what waits is unknown: the queue is not open',
    );
    const health = { reasons: ['local_mode_off'] } as const;
    expect(describeStart(changed({ queue: { open: false }, health })).at(-1)).toBe(
      'what waits is not in use: sync is off',
    );
  });

  it('says nothing when nothing of it has changed', () => {
    expect(describeChange(VIEW, changed({}))).toEqual([]);
  });

  it('tells deliveries and what waits', () => {
    const after = changed({ counts: { delivered: 1310 }, queue: { messages: 5, inFlight: 2 } });
    expect(describeChange(VIEW, after)).toEqual(['1,300 delivered, 5 waiting (2 in flight)']);
    expect(
      describeChange(after, changed({ counts: { delivered: 1310 }, queue: { messages: 9, inFlight: 2 } })),
    ).toEqual(['9 waiting (2 in flight)']);
  });

  it('tells outages, losses and dead letters', () => {
    const after = changed({
      health: { status: 'degraded', reasons: ['not_connected'] },
      connection: { connected: false, lastFailure: 'ECONNREFUSED' },
      ...{ counts: { dropped: 2 }, queue: { deadLetters: 1 }, gaps: { untold: 2 } },
    });
    expect(describeChange(VIEW, after)).toEqual([
      'degraded: not_connected',
      'not connected to mqtt://shore: ECONNREFUSED',
      '2 messages dropped',
      '1 dead letter, before 0',
      '2 gaps not told yet, before 0',
    ]);
  });
});
