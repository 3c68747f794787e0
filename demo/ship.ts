import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import type { Ledger } from './ledger.js';
import { Random } from './random.js';
import { type ShipChange, storyOf } from './ship-life.js';

/** People and systems that write at the same time; each waits for its own answer before it goes on. */
const DESKS = 32;
const RETRY_MS = 100;

interface Answer {
  readonly messageId: string;
  readonly sequence: number;
}

/**
 * The simulated ship. Every desk posts its changes one after the other; a 202 goes into the ledger as a promise to
 * keep. A desk that gets no answer, because the service is down, posts the same change again under the same message id,
 * so that it stays one change whether or not the first post got through.
 */
export class Ship {
  /** Posts that had to be sent again. */
  repeatedPosts = 0;
  private changesPerSecond = 0;
  private reportFailure: (reason: unknown) => void = () => undefined;
  private readonly stopping = new AbortController();
  private readonly ended: AbortSignal;
  private readonly desks: Promise<void>[] = [];

  constructor(
    private readonly changesUrl: string,
    private readonly ledger: Ledger,
    private readonly seed: number,
    /** Ends every desk at once, answered or not. */
    private readonly abandon: AbortSignal,
  ) {
    this.ended = AbortSignal.any([this.stopping.signal, abandon]);
    // Every desk listens.
    setMaxListeners(0, this.ended, abandon);
  }

  /** Begins to write, or changes the pace. */
  sail(changesPerSecond: number): void {
    this.changesPerSecond = changesPerSecond;
    if (this.desks.length > 0) return;
    for (let desk = 0; desk < DESKS; desk++) this.desks.push(this.work(desk));
    Promise.all(this.desks).catch(this.reportFailure);
  }

  /** Stops writing; resolves when every desk has had its last answer. */
  async moor(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.desks);
  }

  /** Calls back if a desk meets something that no retry helps against. */
  onFailure(report: (reason: unknown) => void): void {
    this.reportFailure = report;
  }

  private async work(desk: number): Promise<void> {
    const random = new Random(this.seed * 1009 + desk);
    const story = storyOf(desk, random);
    while (!this.stopping.signal.aborted) {
      const begunMs = performance.now();
      await this.post(story.next().value);
      // Up to half of the pace as jitter, so that the desks do not write in step.
      const paceMs = (DESKS / this.changesPerSecond) * 1000 * (0.75 + random.next() / 2);
      await this.rest(paceMs - (performance.now() - begunMs));
    }
  }

  private async post(change: ShipChange): Promise<void> {
    const messageId = uuidv7();
    for (;;) {
      const answer = await this.attempt({ ...change, messageId });
      if (answer) {
        const { entity, key, data } = change;
        this.ledger.recordAccepted({ messageId, entity, key, data, sequence: answer.sequence });
        return;
      }
      this.repeatedPosts++;
      await sleep(RETRY_MS, undefined, { signal: this.abandon });
    }
  }

  /** Undefined: nobody answered, or not now. */
  private async attempt(body: ShipChange & { readonly messageId: string }): Promise<Answer | undefined> {
    let response: Response;
    try {
      response = await fetch(this.changesUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: this.abandon,
      });
      if (response.status === 202) return (await response.json()) as Answer;
    } catch {
      this.abandon.throwIfAborted();
      return undefined;
    }
    const text = await response.text().catch(() => '');
    if (response.status === 503) return undefined;
    throw new Error(`the service refused a change of ${body.entity} with ${response.status}: ${text}`);
  }

  private async rest(ms: number): Promise<void> {
    await sleep(Math.max(0, ms), undefined, { signal: this.ended }).catch(() => this.abandon.throwIfAborted());
  }
}
