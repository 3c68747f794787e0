import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../time/fake-clock.js';
import { PatientClock } from './patient-clock.js';

const HOUR_MS = 3_600_000;

describe('PatientClock', () => {
  function started() {
    const clock = new FakeClock();
    return { clock, patient: new PatientClock(clock) };
  }

  it('is the wall clock while time passes, and when that is set a little', () => {
    const { clock, patient } = started();
    clock.advance(24 * HOUR_MS);
    expect(patient.wallMs()).toBe(clock.wallMs());
    clock.jumpWall(50_000);
    expect(patient.wallMs()).toBe(clock.wallMs());
  });

  it('takes no notice of a jump ahead that is taken back, however often', () => {
    const { clock, patient } = started();
    for (let glitch = 0; glitch < 5; glitch++) {
      const before = clock.wallMs();
      clock.jumpWall(1000 * HOUR_MS);
      expect(patient.wallMs()).toBe(before);
      clock.advance(HOUR_MS / 2);
      expect(patient.wallMs()).toBe(before + HOUR_MS / 2);
      clock.jumpWall(-1000 * HOUR_MS);
      expect(patient.wallMs()).toBe(clock.wallMs());
    }
  });

  it('goes along with a jump ahead after an hour, and with one back at once', () => {
    const { clock, patient } = started();
    clock.jumpWall(1000 * HOUR_MS);
    expect(patient.wallMs()).toBeLessThan(clock.wallMs());
    clock.advance(HOUR_MS);
    expect(patient.wallMs()).toBe(clock.wallMs());
    clock.jumpWall(-1000 * HOUR_MS);
    expect(patient.wallMs()).toBe(clock.wallMs());
  });
});
