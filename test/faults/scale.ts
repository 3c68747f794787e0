/** How much of a fault is run. Everything that differs between the two forms of the suite is here. */
export interface Scale {
  readonly name: 'short' | 'long';
  /** Rounds of SIGKILL at random moments. */
  readonly killRounds: number;
  /** Rounds of SIGKILL at one exact point. */
  readonly exactKillRounds: number;
  /** Rounds of SIGKILL during a group commit. */
  readonly groupKillRounds: number;
  /** Rounds of SIGKILL of the service while it answers 202. */
  readonly serviceKillRounds: number;
  /** Moments at which the power goes; two images of the disk at each. */
  readonly powerCuts: number;
  /** Restarts of the broker under load. */
  readonly brokerRounds: number;
  /** How often in a row a broker refuses before it accepts. */
  readonly refusals: number;
  /** Of so many ways to damage a store one is tried. */
  readonly damagesEvery: number;
  /** Malformed requests thrown at the service. */
  readonly malformedRequests: number;
  /** Messages of the large backlog. */
  readonly backlog: number;
  /** Changes that each of two ends publishes, and how often each of them is killed meanwhile. */
  readonly bothEnds: { readonly changes: number; readonly kills: number };
  /** Whether the product's own receiver is attached and judged, too. */
  readonly withReceiver: boolean;
  /** Files of faults that are run at a time. */
  readonly workers: number;
  /** Real times are divided by this: waits, gaps of a link, silences. 1 is real time. */
  readonly hurry: number;
}

const SCALES: Readonly<Record<Scale['name'], Scale>> = {
  // All of it within 5 minutes.
  short: {
    name: 'short',
    killRounds: 20,
    exactKillRounds: 2,
    groupKillRounds: 4,
    serviceKillRounds: 4,
    powerCuts: 8,
    brokerRounds: 4,
    refusals: 2,
    damagesEvery: 6,
    malformedRequests: 1000,
    backlog: 70_000,
    bothEnds: { changes: 2500, kills: 3 },
    // It would take more than the five minutes.
    withReceiver: false,
    workers: 3,
    hurry: 10,
  },
  // All of it within 45 minutes, in real time.
  long: {
    name: 'long',
    killRounds: 200,
    exactKillRounds: 10,
    groupKillRounds: 20,
    serviceKillRounds: 30,
    powerCuts: 60,
    brokerRounds: 25,
    refusals: 4,
    damagesEvery: 1,
    malformedRequests: 10_000,
    backlog: 1_000_000,
    bothEnds: { changes: 25_000, kills: 25 },
    withReceiver: true,
    workers: 2,
    hurry: 1,
  },
};

/** Environment variable that chooses the form; set by the npm scripts. */
export const SCALE_VARIABLE = 'ARUS_FAULTS';

/** The form that is run: `short` unless the variable says `long`. */
export const scale: Scale = SCALES[process.env[SCALE_VARIABLE] === 'long' ? 'long' : 'short'];

/** A time of the real world as this run has it. */
export function scaledMs(realMs: number): number {
  return realMs / scale.hurry;
}
