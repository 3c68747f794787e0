import { beforeEach, describe, expect, it } from 'vitest';
import { queuedMessage } from '../../../test/helpers/messages.js';
import { type LinkLoss } from '../connection/link.js';
import { silentLogger } from '../logger.js';
import { Suspects } from './suspects.js';

const hangUp: LinkLoss = { reason: 'closed by the broker', by: 'peer', reasonCode: undefined };
const messages = [1, 2, 3, 4, 5, 6, 7, 8].map((position) => queuedMessage({ position }));
const [poison, innocent] = messages as [(typeof messages)[0], (typeof messages)[0]];

describe('Suspects', () => {
  let suspects: Suspects;
  beforeEach(() => (suspects = new Suspects(silentLogger)));

  it('sends the message alone that was twice the oldest unacknowledged one when the broker hung up', () => {
    suspects.lost(messages, hangUp);
    expect(suspects.probe).toBeUndefined();
    suspects.lost(messages, hangUp);
    expect(suspects.probe).toMatchObject({ limit: 1, suspect: poison });
  });

  it('convicts after four strikes, the last two alone, while the broker acknowledges other things', () => {
    suspects.lost(messages, hangUp);
    suspects.lost(messages, hangUp);
    suspects.controlAcknowledged();
    expect(suspects.lost([poison], hangUp)).toBe('nobody');
    suspects.controlAcknowledged();
    expect(suspects.lost([poison], hangUp)).toBe('guilty');
    expect(suspects.probe?.suspect).toBeUndefined();
  });

  it('blames nobody while the broker acknowledges nothing at all', () => {
    for (let strike = 0; strike < 50; strike++) expect(suspects.lost([poison], hangUp)).toBe('nobody');
  });

  it('asks for a stand-in when nothing else was acknowledged, and convicts once that got through', () => {
    for (let strike = 0; strike < 3; strike++) suspects.lost([poison], hangUp);
    expect(suspects.probe?.standIn).toBe(false);
    suspects.lost([poison], hangUp);
    expect(suspects.probe?.standIn).toBe(true);
    suspects.acknowledged(innocent);
    expect(suspects.probe).toMatchObject({ suspect: poison, standIn: false });
    expect(suspects.lost([poison], hangUp)).toBe('guilty');
  });

  it('acquits a message that gets through, and widens the probe until the others are through too', () => {
    suspects.lost(messages, hangUp);
    suspects.lost(messages, hangUp);
    const limits = messages.map((message) => {
      const limit = suspects.probe?.limit;
      suspects.acknowledged(message);
      return limit;
    });
    expect(limits).toEqual([1, 2, 4, 8, 8, 8, 8, 8]);
    expect(suspects.probe).toBeUndefined();
  });

  it('finds the second of two culprits after the first', () => {
    suspects.lost(messages, hangUp);
    suspects.lost(messages, hangUp);
    suspects.acknowledged(poison);
    suspects.lost([innocent, messages[2]!], hangUp);
    suspects.lost([innocent, messages[2]!], hangUp);
    expect(suspects.probe).toMatchObject({ limit: 1, suspect: innocent });
  });

  it.each([
    ['we cut the connection ourselves', { ...hangUp, by: 'local' as const }],
    ['the network failed', { ...hangUp, by: 'network' as const }],
    ['the broker said that it shuts down', { reason: 'bye', by: 'server_disconnect' as const, reasonCode: 0x8b }],
    [
      'another client took the session over',
      { reason: 'taken over', by: 'server_disconnect' as const, reasonCode: 0x8e },
    ],
  ])('counts no strike when %s', (_case, loss) => {
    for (let close = 0; close < 10; close++) suspects.lost(messages, loss);
    expect(suspects.probe).toBeUndefined();
  });

  it('probes at the first DISCONNECT that speaks of a packet, and convicts when there was only one', () => {
    const tooLarge: LinkLoss = { reason: 'packet too large', by: 'server_disconnect', reasonCode: 0x95 };
    expect(suspects.lost(messages, tooLarge)).toBe('nobody');
    expect(suspects.probe).toMatchObject({ limit: 1, suspect: poison });
    expect(suspects.lost([poison], tooLarge)).toBe('guilty');
  });
});
