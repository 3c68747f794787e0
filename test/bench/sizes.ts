import type { ContenderId } from './contenders.js';
import type { ProfileId } from './profiles.js';

/** How much is done, in a full run and in a quick one. */
export interface Sizes {
  readonly rounds: number;
  /** In a full run enough for some seconds: what is over in less is at the mercy of whatever else runs just then. */
  readonly steadyMessages: number;
  readonly drainMessages: number;
  /** The large backlog. */
  readonly million: number;
  readonly offlineMessages: number;
  readonly paceSeconds: number;
  /** Waiting at the broker for whoever receives. */
  readonly receivedMessages: number;
  readonly alerts: number;
  readonly cuts: number;
  readonly longestCutMs: number;
  /** Round trips that check a link, at least, and for how long its rate is measured. */
  readonly pings: number;
  readonly transferSeconds: number;
}

export const FULL: Sizes = {
  rounds: 5,
  steadyMessages: 100_000,
  drainMessages: 10_000,
  million: 1_000_000,
  offlineMessages: 30_000,
  paceSeconds: 5,
  receivedMessages: 50_000,
  alerts: 10,
  cuts: 20,
  longestCutMs: 8000,
  pings: 9,
  transferSeconds: 4,
};

/** Small enough for a minute; too small to say how fast anything is. */
export const QUICK: Sizes = {
  rounds: 1,
  steadyMessages: 5000,
  drainMessages: 1000,
  million: 20_000,
  offlineMessages: 5000,
  paceSeconds: 1,
  receivedMessages: 10_000,
  alerts: 1,
  cuts: 1,
  longestCutMs: 1000,
  pings: 3,
  transferSeconds: 1,
};

/** A bridge with its defaults keeps 1,000 messages and drops the rest. */
const DEFAULT_BRIDGE_HOLDS = 900;

/** What contenders that wait for a round trip per message, or per 20, get through in 15 s at most. */
const SLOW: Readonly<Record<ProfileId, Partial<Record<ContenderId, number>>>> = {
  loopback: { 'one-at-a-time': 10_000 },
  lan: { 'mqttjs-offline': 1000, 'one-at-a-time': 1000 },
  geo: { 'mqttjs-offline': 20, 'one-at-a-time': 20, 'bridge-default': 400 },
  certus: { 'mqttjs-offline': 20, 'one-at-a-time': 20, 'bridge-default': 200 },
};

/** 352 kbit/s carry about as much in half a minute. */
const CERTUS_MESSAGES = 2000;

/** How many messages a contender sends on a link where the scenario asks for so many. */
export function messagesFor(contender: ContenderId, profile: ProfileId, asked: number): number {
  const slow = SLOW[profile][contender] ?? Infinity;
  const kept = contender === 'bridge-default' ? DEFAULT_BRIDGE_HOLDS : Infinity;
  const carried = profile === 'certus' ? CERTUS_MESSAGES : Infinity;
  return Math.min(asked, slow, kept, carried);
}
