import { describe, expect, it } from 'vitest';
import type { ConnectionEnd } from './broker-connection.js';
import { ReconnectPolicy } from './reconnect-policy.js';

const hangUp: ConnectionEnd = {
  reason: 'the broker closed the connection',
  by: 'peer',
  reasonCode: undefined,
  refusal: undefined,
  session: undefined,
  withoutAWord: false,
  closedInOrder: true,
};
const life = { livedMs: 10, unacknowledged: 1, protocol: '3.1.1', isProbing: false } as const;

describe('ReconnectPolicy', () => {
  it('waits at most 2 s between probes, however many it takes', () => {
    const policy = new ReconnectPolicy(3_600_000, () => 1);
    for (let close = 0; close < 200; close++) {
      expect(policy.decide(hangUp, { ...life, isProbing: true }).delayMs).toBeLessThanOrEqual(2000);
    }
  });

  it('looks out for a client id used twice also while a message is probed', () => {
    const policy = new ReconnectPolicy(10_000, () => 0);
    const takenOver = { ...hangUp, by: 'server_disconnect', reasonCode: 0x8e } as const;
    const decision = policy.decide(takenOver, { ...life, isProbing: true });
    expect(decision).toMatchObject({ suspicion: 'taken_over', delayMs: 30_000 });
  });

  it('does not take the closes of a probe for flapping, so that acknowledgements shorten the delay afterwards', () => {
    const policy = new ReconnectPolicy(10_000, () => 1);
    for (let close = 0; close < 100; close++) {
      expect(policy.decide(hangUp, { ...life, isProbing: true }).suspicion).toBeUndefined();
    }
    policy.confirm();
    expect(policy.decide(hangUp, life).delayMs).toBe(250);
  });

  it('slows down when links keep ending early although nothing is being probed', () => {
    const policy = new ReconnectPolicy(10_000, () => 1);
    const suspicions = Array.from({ length: 30 }, () => {
      policy.confirm();
      return policy.decide(hangUp, life).suspicion;
    });
    expect(suspicions.filter((suspicion) => suspicion === 'flapping')).toHaveLength(1);
    expect(policy.decide(hangUp, life).delayMs).toBeGreaterThan(2000);
  });
});
