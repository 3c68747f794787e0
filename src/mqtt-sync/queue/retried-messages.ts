/** Messages of one entity type remembered: people retry dead letters, and rarely many of them. */
const MAX_REMEMBERED = 1024;

interface Places {
  /** The position that the message was given when it was accepted. */
  readonly first: number;
  /** The position that it has since its newest retry. */
  readonly now: number;
}

/**
 * Where messages are that were dead letters and were sent again in this life of the process: whoever asks for one by the
 * position it was accepted at must find it. Of very many the oldest are forgotten.
 */
export class RetriedMessages {
  private readonly places = new Map<number, Places>();

  /** A dead letter is back in the queue. */
  moved(sequence: number, from: number, to: number): void {
    const first = this.firstPosition(sequence, from);
    this.places.delete(sequence);
    this.places.set(sequence, { first, now: to });
    for (const [oldest] of this.places) {
      if (this.places.size <= MAX_REMEMBERED) break;
      this.places.delete(oldest);
    }
  }

  /** The position that a message was accepted at. */
  firstPosition(sequence: number, position: number): number {
    return this.places.get(sequence)?.first ?? position;
  }

  /** The position that a message has now. */
  positionNow(sequence: number, position: number): number {
    return this.places.get(sequence)?.now ?? position;
  }
}
