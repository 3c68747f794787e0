import { v7 as uuidv7 } from 'uuid';
import { CatchUpAbortedError, CatchUpTimeoutError } from '../../errors.js';
import type { CancelTimer, Clock } from '../../time/clock.js';
import type { ToldGap } from '../../wire/decode-gap.js';
import type { CatchupEnd } from '../../wire/envelope.js';
import { SequenceRanges } from '../../wire/sequence-ranges.js';
import { clip } from '../../wire/spans.js';
import type { CheckedQuery } from './catch-up-query.js';

/** What has become of a request for catch-up. */
export interface CatchUpResult {
  /** Requests that it took: a long answer comes in parts. */
  readonly asked: number;
  /** Changes that the vessel has sent again, also those that were handled here before. Handlers may still be at work. */
  readonly received: number;
  /** Sequence numbers that it says will never come. */
  readonly lost: number;
  /** Whether the limit has left something out. */
  readonly more: boolean;
}

/** What an exchange works with. */
export interface ExchangeParts {
  readonly send: (id: string, query: CheckedQuery) => Promise<void>;
  readonly clock: Clock;
  /** Milliseconds without anything of an answer after which it is given up. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Ranges in one request at most, so that it stays around 10 kB. */
export const MAX_RANGES_PER_REQUEST = 200;

/** Asks one vessel for changes of one entity type, part by part until there is no more, and adds up what it answers. */
export class Exchange {
  /** Rejects when the exchange is given up. */
  readonly failure: Promise<never>;
  private readonly lost = new SequenceRanges();
  private isOver = false;
  private asked = 0;
  private received = 0;
  private awaited: { readonly id: string; readonly answered: (end: CatchupEnd) => void } | undefined;
  private cancelTimeout: CancelTimer = () => {};
  private reject!: (error: Error) => void;

  constructor(
    readonly query: CheckedQuery,
    private readonly parts: ExchangeParts,
  ) {
    this.failure = new Promise((_, reject) => (this.reject = reject));
    // Whoever waits for the result is told; before that nobody listens.
    this.failure.catch(() => {});
    parts.signal?.addEventListener('abort', this.aborted, { once: true });
    if (parts.signal?.aborted) this.aborted();
  }

  /** Asks, and resolves when the vessel has answered everything. */
  async run(): Promise<CatchUpResult> {
    try {
      let rest: CheckedQuery | undefined = this.query;
      let more = false;
      while (rest) {
        const part = this.firstPart(rest);
        const end = await this.ask(part);
        this.received += end.total;
        more = end.more;
        rest = this.after(rest, part, end);
        if (rest && this.left === 0) return this.result(true);
      }
      // An answer that does not get on, as where a limit has cut what a source has, leaves something out.
      return this.result(more);
    } finally {
      this.end();
    }
  }

  /** Gives up. */
  fail(error: Error): void {
    this.reject(error);
    this.end();
  }

  /** Something of the answer came. */
  alive(): void {
    if (this.awaited) this.restartTimeout();
  }

  /** The vessel tells what is lost, or that an answer has ended. */
  told({ stream, ranges, answered }: ToldGap): void {
    if (!this.awaited) return;
    if (this.query.epoch === undefined || this.query.epoch === stream.epoch) this.addLost(ranges);
    this.restartTimeout();
    if (answered?.request === this.awaited.id) this.awaited.answered(answered);
  }

  private addLost(ranges: ToldGap['ranges']): void {
    const { ranges: asked, sinceSequence = 0 } = this.query;
    const spans = asked ?? [{ from: sinceSequence + 1, to: Number.MAX_SAFE_INTEGER }];
    for (const range of ranges)
      for (const span of clip(spans, range.from, range.to)) this.lost.addRange(span, range.reason);
  }

  private async ask(part: CheckedQuery): Promise<CatchupEnd> {
    if (this.isOver) return this.failure;
    const id = uuidv7();
    this.asked++;
    this.restartTimeout();
    const answer = new Promise<CatchupEnd>((answered) => (this.awaited = { id, answered }));
    await Promise.race([this.failure, this.parts.send(id, part)]);
    return Promise.race([this.failure, answer]);
  }

  /** As much as one request may ask for. */
  private firstPart(rest: CheckedQuery): CheckedQuery {
    const { left } = this;
    return {
      ...rest,
      ...(rest.ranges && { ranges: rest.ranges.slice(0, MAX_RANGES_PER_REQUEST) }),
      ...(left !== undefined && { limit: left }),
    };
  }

  /** What is left to ask for; undefined when that is nothing. */
  private after(rest: CheckedQuery, part: CheckedQuery, { upTo, more }: CatchupEnd): CheckedQuery | undefined {
    if (rest.ranges && part.ranges) {
      const last = part.ranges.at(-1)?.to ?? 0;
      // What it has never numbered is not there to be sent, and ends the matter; else the next ranges follow.
      const ranges = clip(rest.ranges, (more ? upTo : last) + 1, Number.MAX_SAFE_INTEGER);
      const advances = !more || upTo >= part.ranges[0]!.from;
      return ranges.length > 0 && advances ? { ...rest, ranges } : undefined;
    }
    // An answer that does not get on would be asked for for ever.
    if (!more || upTo <= (rest.sinceSequence ?? 0)) return undefined;
    // From here on by number: the time would have a source begin anew.
    const { vesselId, entity, epoch } = rest;
    return { vesselId, entity, ...(epoch !== undefined && { epoch }), sinceSequence: upTo };
  }

  /** Changes that may still be asked for. */
  private get left(): number | undefined {
    const { limit } = this.query;
    return limit === undefined ? undefined : Math.max(0, limit - this.received);
  }

  private result(more: boolean): CatchUpResult {
    return { asked: this.asked, received: this.received, lost: this.lost.count, more };
  }

  private restartTimeout(): void {
    this.cancelTimeout();
    const { clock, timeoutMs } = this.parts;
    const { vesselId, entity } = this.query;
    this.cancelTimeout = clock.after(timeoutMs, () =>
      this.fail(
        new CatchUpTimeoutError(`${vesselId} has not answered a request for ${entity} within ${timeoutMs} ms.`, {
          ...{ vesselId, entity, timeoutMs },
        }),
      ),
    );
  }

  private readonly aborted = (): void =>
    this.fail(new CatchUpAbortedError('Nobody waits for the answer any more: the signal was aborted.'));

  private end(): void {
    this.isOver = true;
    this.awaited = undefined;
    this.cancelTimeout();
    this.parts.signal?.removeEventListener('abort', this.aborted);
  }
}
