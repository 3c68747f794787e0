import { beforeEach, describe, expect, it } from 'vitest';
import { queuedMessage } from '../../../test/helpers/messages.js';
import type { LinkLoss } from '../connection/link.js';
import { silentLogger } from '../logger.js';
import { FakeClock } from '../time/fake-clock.js';
import { Suspects } from './suspects.js';

const hangUp: LinkLoss = { reason: 'closed by the broker', by: 'peer', reasonCode: undefined };
const messages = [1, 2, 3, 4, 5, 6, 7, 8].map((position) => queuedMessage({ position }));
const [poison, innocent] = messages as [(typeof messages)[0], (typeof messages)[0]];

/** How long the broker takes to hang up. */
const HANG_UP_MS = 200;

describe('Suspects', () => {
  let clock: FakeClock;
  let suspects: Suspects;
  let due: number;
  beforeEach(() => {
    clock = new FakeClock();
    due = 0;
    suspects = new Suspects(clock, silentLogger, () => due++);
  });

  type Lost = Parameters<Suspects['lost']>;

  /** A connection that outlasts every quiet time, and dies with these messages on the way. */
  function close(unacknowledged: Lost[0], loss: LinkLoss = hangUp) {
    suspects.linked();
    clock.advance(60_000);
    return suspects.lost(unacknowledged, loss, {
      sinceSentMs: HANG_UP_MS,
      isAlone: unacknowledged.length === 1,
    });
  }

  function closes(times: number, unacknowledged: Lost[0], loss?: LinkLoss) {
    for (let time = 0; time < times; time++) expect(close(unacknowledged, loss)).toBe('nobody');
  }

  it('sends the message alone that was twice the oldest unacknowledged one when the broker hung up', () => {
    close(messages);
    expect(suspects.probe).toBeUndefined();
    close(messages);
    expect(suspects.probe).toMatchObject({ limit: 1, suspect: { messageId: poison.messageId } });
  });

  it('finds the one that is always among them, though older ones get through each time', () => {
    const culprit = messages[7]!;
    for (const older of messages.slice(0, 3)) {
      close([older, culprit]);
      suspects.acknowledged(older);
    }
    expect(suspects.probe).toBeUndefined();
    close([messages[3]!, culprit]);
    expect(suspects.probe).toMatchObject({ limit: 1, suspect: { messageId: culprit.messageId } });
  });

  it('convicts after three closes on it alone, while the broker acknowledges other things', () => {
    closes(2, messages);
    suspects.controlAcknowledged();
    closes(2, [poison]);
    expect(close([poison])).toBe('guilty');
    expect(suspects.probe?.suspect).toBeUndefined();
  });

  it('leaves the connection quiet before the second and the third try, for several times as long as the broker took', () => {
    closes(2, messages);
    suspects.linked();
    expect(suspects.probe?.isQuiet).toBe(false);
    suspects.lost([poison], hangUp, { sinceSentMs: HANG_UP_MS, isAlone: true });
    for (let tries = 0; tries < 2; tries++) {
      const before = due;
      suspects.linked();
      clock.advance(3 * HANG_UP_MS - 1);
      expect(suspects.probe?.isQuiet).toBe(true);
      clock.advance(1);
      expect(suspects.probe?.isQuiet).toBe(false);
      expect(due).toBe(before + 1);
      suspects.lost([poison], hangUp, { sinceSentMs: HANG_UP_MS, isAlone: true });
    }
  });

  it.each([
    [1, 100],
    [40_000, 120_000],
    [60_000, 120_000],
  ])('is quiet after a hang-up that took %i ms for %i ms', (hangUpMs, quietMs) => {
    closes(2, messages);
    suspects.linked();
    suspects.lost([poison], hangUp, { sinceSentMs: hangUpMs, isAlone: true });
    suspects.linked();
    clock.advance(quietMs - 1);
    expect(suspects.probe?.isQuiet).toBe(true);
    clock.advance(1);
    expect(suspects.probe?.isQuiet).toBe(false);
  });

  it('ends probing when the last of the suspects is convicted, or will never be sent', () => {
    closes(2, [poison]);
    suspects.controlAcknowledged();
    closes(2, [poison]);
    expect(close([poison])).toBe('guilty');
    expect(suspects.probe).toBeUndefined();
    closes(2, [innocent]);
    expect(suspects.probe).toMatchObject({ limit: 1 });
    suspects.forget(innocent.position);
    expect(suspects.probe).toBeUndefined();
  });

  it('does not convict where something else may have been meant, whatever the broker says', () => {
    const named: LinkLoss = { reason: 'topic name invalid', by: 'server_disconnect', reasonCode: 0x90 };
    expect(suspects.lost([poison], named, { sinceSentMs: HANG_UP_MS, isAlone: false })).toBe('nobody');
    expect(suspects.probe).toMatchObject({ limit: 1, suspect: { messageId: poison.messageId } });
    expect(suspects.lost([poison], named, { sinceSentMs: HANG_UP_MS, isAlone: true })).toBe('guilty');
  });

  it('blames nobody where connections end before a large message is over, however long that takes', () => {
    const lives = [30_000, 200_000];
    for (const livedMs of lives) {
      for (let connection = 0; connection < 12; connection++) {
        suspects.linked();
        suspects.controlAcknowledged();
        clock.advance(livedMs);
        const unacknowledged = suspects.probe?.isQuiet ? [] : [poison];
        const death = { sinceSentMs: livedMs, isAlone: true };
        expect(suspects.lost(unacknowledged, hangUp, death)).toBe('nobody');
      }
    }
    // Nor is it sent first and alone for ever, with everything else behind it.
    expect(suspects.probe).toBeUndefined();
  });

  it('is not quiet for ever where connections end for reasons of their own before the quiet time is over', () => {
    closes(2, messages);
    suspects.linked();
    suspects.lost([poison], hangUp, { sinceSentMs: 40_000, isAlone: true });
    let connections = 0;
    for (; connections < 20; connections++) {
      suspects.linked();
      clock.advance(15_000);
      if (!suspects.probe?.isQuiet) break;
      suspects.lost([], { ...hangUp, by: 'network' }, { sinceSentMs: 0, isAlone: false });
    }
    expect(connections).toBe(7);
  });

  it('keeps the suspicion over one close in a quiet time, which may be chance', () => {
    closes(2, messages);
    suspects.controlAcknowledged();
    closes(2, [poison]);
    suspects.linked();
    expect(suspects.lost([], hangUp, { sinceSentMs: 0, isAlone: true })).toBe('nobody');
    expect(suspects.probe).toMatchObject({ limit: 1, suspect: { messageId: poison.messageId }, isQuiet: false });
    expect(close([poison])).toBe('guilty');
  });

  it('drops every suspicion when connections do not outlast a quiet time on average', () => {
    suspects.controlAcknowledged();
    closes(2, messages);
    closes(2, [poison]);
    for (let time = 0; time < 2; time++) {
      expect(suspects.probe).toBeDefined();
      suspects.linked();
      // Of the first quiet time, which lasted, and the two that did not, the mean is less than one.
      clock.advance(HANG_UP_MS);
      expect(suspects.lost([], hangUp, { sinceSentMs: 0, isAlone: true })).toBe('nobody');
    }
    expect(suspects.probe).toBeUndefined();
    suspects.controlAcknowledged();
    closes(4, [poison]);
  });

  it('keeps the suspicion when a quiet connection is lost for a reason of its own', () => {
    closes(2, messages);
    closes(1, [poison]);
    suspects.linked();
    suspects.lost([], { ...hangUp, by: 'network' }, { sinceSentMs: 0, isAlone: true });
    expect(suspects.probe).toMatchObject({ suspect: { messageId: poison.messageId }, isQuiet: false });
  });

  it('blames nobody while the broker acknowledges nothing at all', () => {
    closes(50, [poison]);
  });

  it('asks for a stand-in when nothing else was acknowledged, and convicts once that got through', () => {
    closes(4, [poison]);
    expect(suspects.probe?.standIn).toBe(false);
    closes(1, [poison]);
    expect(suspects.probe?.standIn).toBe(true);
    suspects.acknowledged(innocent);
    expect(suspects.probe).toMatchObject({ suspect: { messageId: poison.messageId }, standIn: false });
    expect(close([poison])).toBe('guilty');
  });

  it('acquits a message that gets through, and widens the probe until the others are through too', () => {
    closes(2, messages);
    const limits = messages.map((message) => {
      const limit = suspects.probe?.limit;
      suspects.acknowledged(message);
      return limit;
    });
    expect(limits).toEqual([1, 2, 4, 8, 16, 32, 64, 128]);
    expect(suspects.probe).toBeUndefined();
  });

  it('finds the second of two culprits after the first', () => {
    closes(2, messages);
    suspects.acknowledged(poison);
    closes(2, [innocent, messages[2]!]);
    expect(suspects.probe).toMatchObject({ limit: 1, suspect: { messageId: innocent.messageId } });
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
    closes(10, messages, loss);
    expect(suspects.probe).toBeUndefined();
  });

  it('probes at the first DISCONNECT that speaks of a packet, and convicts when there was only one', () => {
    const tooLarge: LinkLoss = { reason: 'packet too large', by: 'server_disconnect', reasonCode: 0x95 };
    closes(1, messages, tooLarge);
    expect(suspects.probe).toMatchObject({ limit: 1, suspect: { messageId: poison.messageId } });
    expect(close([poison], tooLarge)).toBe('guilty');
  });

  it('leaves no timer behind when it is stopped', () => {
    closes(2, messages);
    closes(1, [poison]);
    suspects.linked();
    suspects.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});
