import { beforeEach, describe, expect, it } from 'vitest';
import { RecordingLogger } from '../../../test/contract/queue-harness.js';
import { FakeClock } from '../time/fake-clock.js';
import type { StatusEnvelope } from '../wire/envelope.js';
import type { ControlMessage } from './delivery-session.js';
import { StatusAnnouncer } from './status-announcer.js';

describe('StatusAnnouncer', () => {
  let clock: FakeClock;
  let sent: ControlMessage[];
  let logger: RecordingLogger;
  let announcer: StatusAnnouncer;

  beforeEach(() => {
    clock = new FakeClock();
    sent = [];
    logger = new RecordingLogger();
    const identity = { vesselId: 'v', epoch: 1 };
    announcer = new StatusAnnouncer('status', identity, (control) => sent.push(control), clock, logger);
  });

  const said = () => sent.map(({ payload }) => (JSON.parse(payload.toString()) as StatusEnvelope).data.status);

  // A resumed session may have its whole quota in use, and the status goes first.
  it('announces again after a few seconds what the broker refuses in passing, and does not say that it may not', () => {
    announcer.connected();
    sent[0]!.settled('refused_in_passing');
    expect(said()).toEqual(['online']);
    clock.advance(5000);
    expect(said()).toEqual(['online', 'online']);
    sent[1]!.settled('acknowledged');
    clock.advance(3_600_000);
    expect(said()).toHaveLength(2);
    expect(logger.warnings).toEqual([]);
  });

  it('tries less and less often, once a minute at last, where the broker goes on refusing it, and says so once', () => {
    announcer.connected();
    let announced = 0;
    for (let seconds = 0; seconds < 3600; seconds++) {
      for (const control of sent.slice(announced)) control.settled('refused_in_passing');
      announced = sent.length;
      clock.advance(1000);
    }
    expect(announced).toBeGreaterThan(50);
    expect(announced).toBeLessThan(70);
    expect(logger.warnings).toEqual([expect.stringContaining('status')]);
  });

  it('does not announce again what the broker refuses for good, and says so', () => {
    announcer.connected();
    sent[0]!.settled('refused');
    clock.advance(3_600_000);
    expect(said()).toEqual(['online']);
    expect(logger.warnings).toEqual([expect.stringContaining('does not let')]);
  });

  it('leaves it to the next connection when the link goes meanwhile', () => {
    announcer.connected();
    sent[0]!.settled('refused_in_passing');
    announcer.disconnected();
    clock.advance(60_000);
    expect(said()).toEqual(['online']);
    announcer.connected();
    expect(said()).toEqual(['online', 'online']);
  });

  it('never says online after offline, whatever was refused in passing', async () => {
    announcer.connected();
    sent[0]!.settled('refused_in_passing');
    const told = announcer.goOffline();
    clock.advance(60_000);
    sent[1]!.settled('acknowledged');
    clock.advance(60_000);
    expect(said()).toEqual(['online', 'offline']);
    expect(await told).toBe(true);
  });

  it('does not say online again when that is refused in passing after it has said offline', async () => {
    announcer.connected();
    const told = announcer.goOffline();
    sent[0]!.settled('refused_in_passing');
    sent[1]!.settled('refused_in_passing');
    clock.advance(60_000);
    expect(said()).toEqual(['online', 'offline']);
    // Whoever stops then cuts the connection: the will says the same.
    expect(await told).toBe(false);
  });
});
