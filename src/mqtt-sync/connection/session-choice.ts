import type { MqttProtocol } from './connection-options.js';

/**
 * What a connection asks of the broker's memory of us.
 *
 * - `begin`: forget, and remember from now on (MQTT 5: Clean Start with a session expiry).
 * - `begin_unless_found`: remember from now on. MQTT 3.1.1 cannot ask for both, so a session that is found is left alone.
 * - `wipe`: forget; the connection ends at once, because on 3.1.1 a clean session ends with its connection [MQTT-3.1.2-6].
 * - `resume`: go on with our session.
 * - `resume_wiped`: remember from now on; what is found, if anything, is of our own making since we wiped it, and empty.
 * - `transient`: forget, and forget again when this connection ends.
 */
export type SessionRequest = 'begin' | 'begin_unless_found' | 'wipe' | 'resume' | 'resume_wiped' | 'transient';

/** Why a connection that was accepted led to no link. */
export type SessionFinding = 'stale' | 'wiped';

/**
 * How long the broker's memory of us is of use.
 *
 * - `connection`: as long as one connection; nothing is ever resumed.
 * - `process`: as long as this process; the next one begins a session of its own.
 * - `lasting`: the next process resumes it, so that the broker keeps subscriptions and what arrives for them meanwhile.
 */
export type SessionLife = 'connection' | 'process' | 'lasting';

/** Whether nothing can be left in the session of an accepted connection, whatever the broker says [MQTT-3.2.2-2]. */
export const isEmpty = (request: SessionRequest): boolean => isClean(request) || request === 'resume_wiped';

/** Whether a connection asks the broker to forget (Clean Session, Clean Start). */
export const isClean = (request: SessionRequest): boolean =>
  request === 'begin' || request === 'wipe' || request === 'transient';

/** What to make of the broker's answer; undefined when the connection can be used. */
export function findingOf(request: SessionRequest, sessionPresent: boolean): SessionFinding | undefined {
  if (request === 'wipe') return 'wiped';
  return request === 'begin_unless_found' && sessionPresent ? 'stale' : undefined;
}

/**
 * Decides which session the next connection asks for. A publisher's of an earlier process is not ours to resume: its
 * packet ids would make the broker take new QoS 2 messages for old ones. What we left ourselves is, and a lasting one.
 *
 * But not on MQTT 3.1.1 what we left on 5: there we send no QoS 2, and exchanges of QoS 2 that go on would let what is sent
 * beside them overtake, as a broker keeps order within one QoS only, or take the room that it needs at the broker. So that
 * session is wiped, and what it knew is published anew.
 */
export class SessionChoice {
  private state: 'unknown' | 'stale' | 'wiped' | 'ours';
  private linkedOn: MqttProtocol | undefined;

  constructor(private readonly life: SessionLife) {
    this.state = life === 'lasting' ? 'ours' : 'unknown';
  }

  next(protocol: MqttProtocol): SessionRequest {
    if (this.life === 'connection') return 'transient';
    // For good: from the first attempt on nobody knows what is left of it.
    if (this.life === 'process' && protocol === '3.1.1' && this.linkedOn === '5') this.forget();
    if (this.state === 'ours') return 'resume';
    if (protocol === '5') return 'begin';
    if (this.state === 'wiped') return 'resume_wiped';
    return this.state === 'stale' ? 'wipe' : 'begin_unless_found';
  }

  /** There is a link: its session is ours. */
  linked(protocol: MqttProtocol): void {
    this.state = 'ours';
    this.linkedOn = protocol;
  }

  /** The connection ended without a link. After a wipe whatever is found is of this process. */
  found(finding: SessionFinding): void {
    this.state = finding;
  }

  private forget(): void {
    this.state = 'stale';
    this.linkedOn = undefined;
  }
}
