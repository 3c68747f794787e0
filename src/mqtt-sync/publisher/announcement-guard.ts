import { backoffCeiling } from '../time/backoff.js';
import type { Clock } from '../time/clock.js';
import type { ControlOutcome } from './delivery-session.js';

/** A broker may hang up on a topic it does not allow; after so many connections lost in a row it is suspected. */
const LOST_TO_SUSPECT = 3;
/** A suspected announcement is still tried on every so many connections: the link may have been to blame. */
const SUSPECTED_EVERY = 10;
/**
 * It is tried too on a connection that has lasted so long, twice as long after each further loss: where the link was to
 * blame it is soon known, and where the broker is, one reconnect every ten minutes is no harm.
 */
const SUSPECTED_FOR = { baseMs: 15_000, capMs: 600_000 };

/**
 * Holds back an announcement of the service on which the broker seems to hang up: announcements go ahead of the queue, so
 * that otherwise no change would get through.
 */
export class AnnouncementGuard {
  private connections = 0;
  private connectedAtMs = 0;
  private lostInARow = 0;
  private lostOnThisConnection = false;

  constructor(
    private readonly clock: Clock,
    /** Called when the suspicion begins, with the number of connections that were lost. */
    private readonly suspected: (connections: number) => void,
  ) {}

  /** A connection is up. */
  connected(): void {
    this.connections++;
    this.connectedAtMs = this.clock.monotonicMs();
    this.lostOnThisConnection = false;
  }

  /** Whether to announce now. */
  get admits(): boolean {
    if (this.lostInARow < LOST_TO_SUSPECT || this.connections % SUSPECTED_EVERY === 0) return true;
    const suspectedForMs = backoffCeiling(this.lostInARow - LOST_TO_SUSPECT, SUSPECTED_FOR);
    return this.clock.monotonicMs() - this.connectedAtMs >= suspectedForMs;
  }

  /** What became of an announcement; several that are lost with one connection count once. */
  settled(outcome: ControlOutcome): void {
    // What the broker never got did not make it hang up.
    if (outcome === 'not_sent') return;
    if (outcome !== 'lost') {
      this.lostInARow = 0;
      return;
    }
    if (this.lostOnThisConnection) return;
    this.lostOnThisConnection = true;
    if (++this.lostInARow === LOST_TO_SUSPECT) this.suspected(LOST_TO_SUSPECT);
  }
}
