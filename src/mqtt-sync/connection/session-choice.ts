import type { MqttProtocol } from './connection-options.js';

/**
 * What a connection asks of the broker's memory of us.
 *
 * - `begin`: forget, and remember from now on (MQTT 5: Clean Start with a session expiry).
 * - `begin_unless_found`: remember from now on. MQTT 3.1.1 cannot ask for both, so a session that is found is left alone.
 * - `wipe`: forget; the connection ends at once, because on 3.1.1 a clean session ends with its connection [MQTT-3.1.2-6].
 * - `resume`: go on with our session.
 * - `transient`: forget, and forget again when this connection ends.
 */
export type SessionRequest = 'begin' | 'begin_unless_found' | 'wipe' | 'resume' | 'transient';

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
 */
export class SessionChoice {
  private state: 'unknown' | 'stale' | 'ours';

  constructor(private readonly life: SessionLife) {
    this.state = life === 'lasting' ? 'ours' : 'unknown';
  }

  next(protocol: MqttProtocol): SessionRequest {
    if (this.life === 'connection') return 'transient';
    if (this.state === 'ours') return 'resume';
    if (protocol === '5') return 'begin';
    return this.state === 'stale' ? 'wipe' : 'begin_unless_found';
  }

  /** There is a link: its session is ours. */
  linked(): void {
    this.state = 'ours';
  }

  /** The connection ended without a link. After a wipe whatever is found is of this process. */
  found(finding: SessionFinding): void {
    this.state = finding === 'stale' ? 'stale' : 'ours';
  }
}
