import { setTimeout as delay } from 'node:timers/promises';
import { fullJitterDelay } from '../../../mqtt-sync/time/backoff.js';
import type { Accepted } from '../../ingress/accepted.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { type Answer, type ServiceClient, UnreachableError } from '../target/service-client.js';
import type { BadLine, PreparedChange } from './prepared-change.js';

/** How a poster waits, and whom it tells. */
export interface PosterOptions {
  /** How long to try again while nothing is accepted, in milliseconds. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly accepted: (changes: readonly PreparedChange[]) => void;
  /** May throw, and so end it: everything before that line is accepted then, and nothing behind it. */
  readonly refused: (line: BadLine) => Promise<void>;
  /** It waits, and why; undefined: it goes on. */
  readonly waiting: (reason: string | undefined) => void;
}

const BACKOFF = { baseMs: 500, capMs: 10_000 };
/** What the service says in Retry-After is believed up to this. */
const LONGEST_WAIT_S = 60;

/** Posts changes in order, as fast as the service takes them, each until it is accepted or refused for good. */
export class ChangePoster {
  private lastSuccessMs = performance.now();
  /** Whether the service was there: then its absence is an outage, and not a wrong address. */
  private wasThere = false;
  private attempt = 0;

  constructor(
    private readonly client: ServiceClient,
    private readonly options: PosterOptions,
  ) {}

  /**
   * Posts changes, all of which are accepted or refused when it resolves.
   * @throws {CliError} they cannot be posted; some of them may have been accepted.
   */
  async post(changes: readonly PreparedChange[]): Promise<void> {
    let rest = changes;
    while (rest.length > 0) {
      const answer = await this.send(rest);
      if (answer.status === 202) return this.accept(rest, answer.body as readonly Accepted[]);
      const { index, detail } = problemIn(answer);
      if (answer.status !== 400 && answer.status !== 413) throw await this.client.refusal(answer);
      // All or nothing: one that is wrong is taken out, and the others are posted again.
      const at = index ?? (rest.length === 1 ? 0 : undefined);
      if (at === undefined || at >= rest.length) return this.postInHalves(rest);
      await this.post(rest.slice(0, at));
      await this.options.refused({ line: rest[at]!.line, reason: detail });
      rest = rest.slice(at + 1);
    }
  }

  private async postInHalves(changes: readonly PreparedChange[]): Promise<void> {
    const middle = changes.length >> 1;
    await this.post(changes.slice(0, middle));
    await this.post(changes.slice(middle));
  }

  private accept(changes: readonly PreparedChange[], answers: readonly Accepted[]): void {
    if (answers.some(({ skipped }) => skipped)) {
      throw new CliError('Sync is off (LOCAL_MODE=false): the service neither stores nor sends changes.', EXIT.failed);
    }
    this.lastSuccessMs = performance.now();
    this.options.accepted(changes);
  }

  /** Sends until there is an answer that does not ask to wait. */
  private async send(changes: readonly PreparedChange[]): Promise<Answer> {
    const json = `[${changes.map((change) => change.json).join(',')}]`;
    for (;;) {
      // What is under way is waited for, so that it is known what became of it.
      if (this.options.signal.aborted) throw interrupted();
      const answer = await this.try(json);
      if (answer instanceof UnreachableError) {
        if (!this.wasThere) throw answer;
        await this.wait(answer, fullJitterDelay(this.attempt++, BACKOFF));
        continue;
      }
      this.wasThere = true;
      this.attempt = 0;
      if (answer.status !== 503 && answer.status !== 429) {
        this.options.waiting(undefined);
        return answer;
      }
      await this.wait(await this.client.refusal(answer), retryAfterMs(answer));
    }
  }

  private async try(json: string): Promise<Answer | UnreachableError> {
    try {
      return await this.client.request('/changes', { method: 'POST', json });
    } catch (error) {
      if (error instanceof UnreachableError) return error;
      throw error;
    }
  }

  private async wait(reason: CliError, ms: number): Promise<void> {
    const { patienceMs, signal, waiting } = this.options;
    if (performance.now() - this.lastSuccessMs + ms > patienceMs) throw reason;
    waiting(reason.message);
    await delay(ms, undefined, { signal }).catch(() => {
      throw interrupted();
    });
  }
}

/** It was told to stop. */
export function interrupted(): CliError {
  return new CliError('Interrupted.', EXIT.interrupted);
}

function retryAfterMs({ headers }: Answer): number {
  const seconds = Number(headers.get('retry-after'));
  return Math.min(LONGEST_WAIT_S, Number.isFinite(seconds) && seconds > 0 ? seconds : 5) * 1000;
}

function problemIn({ body }: Answer): { readonly index: number | undefined; readonly detail: string } {
  const { index, detail } = (body ?? {}) as { readonly index?: unknown; readonly detail?: unknown };
  return {
    index: typeof index === 'number' ? index : undefined,
    // Its index is that of a request that nobody has seen.
    detail: typeof detail === 'string' ? detail.replace(/ at index \d+/, '') : 'the service refuses it',
  };
}
