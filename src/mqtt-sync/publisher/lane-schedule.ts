import { LANES, type Lane } from '../wire/lanes.js';

/**
 * Turns per round. Critical comes first as long as it has turns, and with these shares a lane that always has messages
 * still leaves the lanes below it some, so that none starves.
 */
const TURNS: Readonly<Record<Lane, number>> = { critical: 64, normal: 8, bulk: 1 };

/** Decides which lane goes next: the most urgent one that has turns left in this round. */
export class LaneSchedule {
  private readonly turns = { ...TURNS };
  /** Those with turns left, then those without; asked for before every message, hence kept. */
  private inOrder: readonly Lane[] = LANES;

  /** Lanes in the order in which they should be asked for a message now. */
  order(): readonly Lane[] {
    return this.inOrder;
  }

  /** Notes that a lane had its turn; a round ends when the lane that is served has none left and nobody else wants one. */
  served(lane: Lane): void {
    const begins = this.turns[lane] === 0;
    if (begins) {
      Object.assign(this.turns, TURNS);
      this.inOrder = LANES;
    }
    this.turns[lane]--;
    if (this.turns[lane] === 0) this.inOrder = [...this.lanesWith(true), ...this.lanesWith(false)];
  }

  private lanesWith(turns: boolean): Lane[] {
    return LANES.filter((lane) => this.turns[lane] > 0 === turns);
  }
}
