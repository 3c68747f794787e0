import { describe, expect, it } from 'vitest';
import { FakeClock } from '../time/fake-clock.js';
import { type SentPacket, Window } from './window.js';

const PACKET_BYTES = 400;

/** A link that carries so many bytes a second with so much delay, in virtual time, always offered as much as fits. */
class SaturatedLink {
  private readonly onTheWay: { packet: SentPacket; ackedAtMs: number }[] = [];
  private freeAtMs = 0;

  constructor(
    private readonly window: Window,
    private readonly clock: FakeClock,
    private readonly link: { bytesPerSecond: number; roundTripMs: number },
  ) {}

  /** Runs until so many packets are acknowledged; answers the rate. */
  deliver(packets: number): number {
    const startMs = this.clock.monotonicMs();
    for (let delivered = 0; delivered < packets; delivered++) {
      this.fill();
      const next = this.onTheWay.shift()!;
      this.clock.advance(Math.max(0, next.ackedAtMs - this.clock.monotonicMs()));
      this.window.acked(next.packet);
    }
    return (packets * PACKET_BYTES * 1000) / (this.clock.monotonicMs() - startMs);
  }

  /** All that is on the way is acknowledged, and nothing more is sent. */
  drain(): void {
    for (const { packet, ackedAtMs } of this.onTheWay.splice(0)) {
      this.clock.advance(Math.max(0, ackedAtMs - this.clock.monotonicMs()));
      this.window.acked(packet);
    }
  }

  /** For so long nothing comes through. */
  stall(byMs: number): void {
    for (const waiting of this.onTheWay) waiting.ackedAtMs += byMs;
    this.freeAtMs += byMs;
  }

  private fill(): void {
    while (this.window.hasRoom) {
      const packet = this.window.sent(PACKET_BYTES);
      this.freeAtMs =
        Math.max(this.freeAtMs, this.clock.monotonicMs()) + (PACKET_BYTES * 1000) / this.link.bytesPerSecond;
      this.onTheWay.push({ packet, ackedAtMs: this.freeAtMs + this.link.roundTripMs });
    }
  }
}

describe('Window', () => {
  it('always lets one packet through, however large', () => {
    const window = new Window(new FakeClock());
    expect(window.hasRoom).toBe(true);
    window.sent(10 * window.limitBytes);
    expect(window.hasRoom).toBe(false);
  });

  it.each([
    ['a satellite link (2 Mbit/s, 600 ms)', { bytesPerSecond: 250_000, roundTripMs: 600 }],
    ['Certus (352 kbit/s, 700 ms)', { bytesPerSecond: 44_000, roundTripMs: 700 }],
    ['a slow radio (25 kbit/s, 1 s)', { bytesPerSecond: 3_125, roundTripMs: 1000 }],
    ['a long fat line (100 Mbit/s, 100 ms)', { bytesPerSecond: 12_500_000, roundTripMs: 100 }],
  ])('settles near 1.25 times the bandwidth-delay product of %s, and fills it', (_link, link) => {
    const clock = new FakeClock();
    const window = new Window(clock);
    const saturated = new SaturatedLink(window, clock, link);
    saturated.deliver(60_000);
    const product = (link.bytesPerSecond * link.roundTripMs) / 1000;
    expect(window.limitBytes).toBeGreaterThan(product * 1.1);
    // On the slowest the floor of the window is more than the product.
    expect(window.limitBytes).toBeLessThan(Math.max(product * 1.75, 11_000));
    expect(saturated.deliver(10_000)).toBeGreaterThan(0.9 * link.bytesPerSecond);
  });

  it('does not take more than a few seconds of a slow link on the way to finding out', () => {
    const clock = new FakeClock();
    const window = new Window(clock);
    const saturated = new SaturatedLink(window, clock, { bytesPerSecond: 44_000, roundTripMs: 700 });
    for (let round = 0; round < 100; round++) {
      saturated.deliver(20);
      expect(window.limitBytes).toBeLessThanOrEqual(256 * 1024);
    }
  });

  // Found by the fault suite: the window shrank to its floor and stayed there as long as the connection.
  it.each([75, 150, 600])(
    'follows a link whose round trip rises from 50 to %i ms within a connection',
    (roundTripMs) => {
      const clock = new FakeClock();
      const window = new Window(clock);
      const link = { bytesPerSecond: 250_000, roundTripMs: 50 };
      const saturated = new SaturatedLink(window, clock, link);
      saturated.deliver(5_000);
      link.roundTripMs = roundTripMs;
      saturated.deliver(20_000);
      expect(saturated.deliver(10_000)).toBeGreaterThan(0.9 * link.bytesPerSecond);
    },
  );

  it('follows a link that becomes slower within a connection, in a few of its rounds', () => {
    const clock = new FakeClock();
    const window = new Window(clock);
    const link = { bytesPerSecond: 250_000, roundTripMs: 600 };
    const saturated = new SaturatedLink(window, clock, link);
    saturated.deliver(10_000);
    Object.assign(link, { bytesPerSecond: 44_000, roundTripMs: 700 });
    const slowSinceMs = clock.monotonicMs();
    while (window.limitBytes > 44_000) saturated.deliver(20);
    expect(clock.monotonicMs() - slowSinceMs).toBeLessThan(20_000);
  });

  it('begins small on the next connection where the last one had a fast link, and finds out again', () => {
    const clock = new FakeClock();
    const window = new Window(clock);
    new SaturatedLink(window, clock, { bytesPerSecond: 12_500_000, roundTripMs: 100 }).deliver(20_000);
    expect(window.limitBytes).toBeGreaterThan(1_000_000);
    window.reset();
    expect(window.limitBytes).toBe(128 * 1024);
    new SaturatedLink(window, clock, { bytesPerSecond: 44_000, roundTripMs: 700 }).deliver(2_000);
    expect(window.limitBytes).toBeLessThan(44_000);
  });

  it('learns also while the number of messages is what limits', () => {
    const clock = new FakeClock();
    const window = new Window(clock);
    const inFlight: SentPacket[] = [];
    // 300 messages of 400 bytes, which are less than the window and far more than a link of 10,000 bytes a second needs.
    for (let delivered = 0; delivered < 2000; delivered++) {
      while (inFlight.length < 300) inFlight.push(window.sent(PACKET_BYTES));
      window.limitedByCount();
      clock.advance((PACKET_BYTES * 1000) / 10_000);
      window.acked(inFlight.shift()!);
    }
    expect(window.limitBytes).toBeLessThan(64 * 1024);
  });

  it('starts the next connection with what the last one learned', () => {
    const clock = new FakeClock();
    const window = new Window(clock);
    new SaturatedLink(window, clock, { bytesPerSecond: 44_000, roundTripMs: 700 }).deliver(5_000);
    const learned = window.limitBytes;
    window.reset();
    expect(window.limitBytes).toBe(learned);
    expect(window.unackedBytes).toBe(0);
  });

  it('does not collapse at a burst after minutes of single messages', () => {
    const clock = new FakeClock();
    const window = new Window(clock);
    const saturated = new SaturatedLink(window, clock, { bytesPerSecond: 250_000, roundTripMs: 600 });
    saturated.deliver(20_000);
    saturated.drain();
    const settled = window.limitBytes;
    for (let single = 0; single < 60; single++) {
      const packet = window.sent(PACKET_BYTES);
      clock.advance(600);
      window.acked(packet);
      clock.advance(10_000);
    }
    for (let part = 0; part < 40; part++) {
      saturated.deliver(50);
      expect(window.limitBytes).toBeGreaterThan(settled / 2);
    }
  });

  it('does not collapse after a gap of the link', () => {
    const clock = new FakeClock();
    const window = new Window(clock);
    const saturated = new SaturatedLink(window, clock, { bytesPerSecond: 44_000, roundTripMs: 700 });
    saturated.deliver(5_000);
    const settled = window.limitBytes;
    saturated.stall(15_000);
    for (let part = 0; part < 40; part++) {
      saturated.deliver(20);
      expect(window.limitBytes).toBeGreaterThan(settled / 2);
    }
  });

  it('does not shrink because the application had little to send', () => {
    const clock = new FakeClock();
    const window = new Window(clock);
    const before = window.limitBytes;
    for (let sent = 0; sent < 100; sent++) {
      const packet = window.sent(PACKET_BYTES);
      clock.advance(50);
      window.acked(packet);
      clock.advance(1000);
    }
    expect(window.limitBytes).toBeGreaterThanOrEqual(before);
  });
});
