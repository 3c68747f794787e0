import type { ContenderId } from './contenders.js';
import type { ProfileId } from './profiles.js';
import type { Resources } from './rig/resources.js';
import type { Sizes } from './sizes.js';

export const SCENARIOS = [
  'link',
  'steady',
  'drain',
  'wire',
  'event-loop',
  'offline',
  'recovery',
  'start',
  'alert',
  'drain-million',
  'receive',
] as const;
export type ScenarioId = (typeof SCENARIOS)[number];

/** What was measured, with its unit in the name. */
export type Metric =
  | 'perSecond'
  | 'seconds'
  | 'secondsPer10000'
  /** Time per message of the last three tenths of a backlog, in that of the second to the fourth. */
  | 'endToBeginning'
  | 'cpuUsPerMessage'
  | 'feederCpuUsPerMessage'
  | 'roundTripMs'
  | 'bytesPerSecond'
  | 'bytesPerMessage'
  | 'firstDeliveryMs'
  | 'anonymousMiB'
  | 'mappedMiB'
  | 'loopDelayP99Ms'
  | 'idleLoopDelayP99Ms'
  | 'listeningMs'
  | 'healthMs'
  | 'qos1AcknowledgedMs'
  | 'qos2AtSubscriberMs'
  | 'qos2CompleteMs';

/** One measurement. */
export interface Sample {
  readonly scenario: ScenarioId;
  readonly profile: ProfileId;
  /** Undefined: the link or the service itself. */
  readonly contender?: ContenderId;
  /** Tells measurements of one contender apart, e.g. by its backlog. */
  readonly variant?: string;
  readonly values: Partial<Readonly<Record<Metric, number>>>;
  /** Fewer messages were sent than the scenario asks for; what is counted per message or per 10,000 is scaled. */
  readonly scaledFromMessages?: number;
}

/** A run of the benchmark: what was chosen, and where the results go. */
export interface Run {
  readonly resources: Resources;
  readonly sizes: Sizes;
  /** Those of a list that were chosen. */
  readonly contenders: <Id extends ContenderId>(candidates: readonly Id[]) => readonly Id[];
  readonly profiles: <Id extends ProfileId>(candidates: readonly Id[]) => readonly Id[];
  /** Options of Node for the processes of the contenders. */
  readonly execArgv: readonly string[];
  readonly record: (sample: Sample) => void;
  /** Tells people what is going on. */
  readonly say: (text: string) => void;
}
