import type { HealthDocument } from '../../../src/health/health-document.js';
import type { DeadLetterView } from '../../../src/service/dead-letters/dead-letter-view.js';
import type { DeadLetterList } from '../../../src/service/dead-letters/dead-letters.controller.js';
import { until } from '../../helpers/wait.js';
import { fingerprint } from '../oracle/fingerprint.js';
import type { Oracle } from '../oracle/oracle.js';
import { changeOf } from './changes.js';

const SYNC = '/api/mqtt/reliable-sync';
const KEYS = 24;
const DEAD_LETTERS_A_PAGE = 200;

/** What the service said to a post. */
export interface PostAnswer {
  readonly status: number;
  /** Of a problem document. */
  readonly code: string | undefined;
  readonly text: string;
}

/** What to post. */
export interface Posting {
  readonly count: number;
  /** Characters of padding per change. @default 80 */
  readonly size?: number;
}

/** A counter at which changes are handed in to the service, one request after the other. Each that got a 202 is an obligation. */
export class Counter {
  private calls = 0;

  constructor(
    private readonly baseUrl: string,
    private readonly oracle: Oracle,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  /** Posts changes as one array. */
  async post({ count, size = 80 }: Posting): Promise<PostAnswer> {
    const changes = Array.from({ length: count }, () => {
      const call = ++this.calls;
      return changeOf({ ship: 'counter', call, keyNumber: call % KEYS, size });
    });
    const response = await fetch(`${this.baseUrl}${SYNC}/changes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...this.headers },
      body: JSON.stringify(changes),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    const body = JSON.parse(text) as { code?: string } & { messageId: string; sequence: number }[];
    if (response.status === 202) {
      body.forEach(({ messageId, sequence }, index) => {
        const change = changes[index]!;
        this.oracle.oblige({ messageId, entity: change.entity, sequence, fingerprint: fingerprint(change) });
      });
    }
    return { status: response.status, code: body.code, text };
  }

  /** Posts until the service does not take any more; resolves with what it said then. */
  async postUntilRefused(posting: Posting, mostPosts = 10_000): Promise<PostAnswer> {
    for (let posts = 0; posts < mostPosts; posts++) {
      const answer = await this.post(posting);
      if (answer.status !== 202) return answer;
    }
    throw new Error(`The service took ${mostPosts} posts and was to refuse one`);
  }

  /** Waits until a post is taken. */
  async postUntilAccepted(posting: Posting, deadlineMs = 30_000): Promise<void> {
    let last: PostAnswer | undefined;
    const isAccepted = async () => (last = await this.post(posting)).status === 202;
    await until(isAccepted, { deadlineMs, what: () => `a post to be accepted; the last answer was ${last?.text}` });
  }

  /** Status of a probe. */
  async probe(name: 'live' | 'ready'): Promise<number> {
    const response = await fetch(`${this.baseUrl}/health/${name}`, { signal: AbortSignal.timeout(10_000) });
    await response.arrayBuffer();
    return response.status;
  }

  /** What the service has set aside. */
  async deadLetters(): Promise<readonly DeadLetterView[]> {
    const found: DeadLetterView[] = [];
    let page: DeadLetterList | undefined;
    do {
      const after = page ? `&after=${page.next}` : '';
      const url = `${this.baseUrl}${SYNC}/dead-letters?limit=${DEAD_LETTERS_A_PAGE}${after}`;
      const response = await fetch(url, { headers: this.headers, signal: AbortSignal.timeout(10_000) });
      page = (await response.json()) as DeadLetterList;
      found.push(...page.deadLetters);
    } while (page.next !== undefined);
    return found;
  }

  /** The text of `/metrics`. */
  async metrics(): Promise<string> {
    return (await fetch(`${this.baseUrl}/metrics`, { signal: AbortSignal.timeout(10_000) })).text();
  }

  async health(): Promise<HealthDocument> {
    const response = await fetch(`${this.baseUrl}${SYNC}/health`, { signal: AbortSignal.timeout(10_000) });
    return (await response.json()) as HealthDocument;
  }

  /** Waits until everything has been delivered. */
  async drained(deadlineMs = 120_000): Promise<HealthDocument> {
    let health: HealthDocument | undefined;
    const isDrained = async () => (health = await this.health()).detailedMetrics.currentQueueSize === 0;
    await until(isDrained, { deadlineMs, what: () => `the queue to drain; health was ${JSON.stringify(health)}` });
    return health!;
  }
}
