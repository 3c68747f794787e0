import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { fingerprint } from '../oracle/fingerprint.js';
import type { Oracle } from '../oracle/oracle.js';
import { changeOf } from './changes.js';

const RETRY_MS = 20;

/**
 * People who post changes to the service, each one after the other and each with keys of their own. One who gets no
 * answer posts the same change again under the same message id, so that it stays one change.
 */
export class Desks {
  /** Posts that had to be repeated, because the service was gone or did not answer. */
  repeated = 0;
  private calls = 0;
  private isOpen = true;
  private readonly working: Promise<void>[];

  constructor(
    private readonly baseUrl: string,
    private readonly oracle: Oracle,
    private readonly desks = 8,
  ) {
    this.working = Array.from({ length: desks }, (_, desk) => this.work(desk));
  }

  /** No more changes; resolves when every desk has had its last answer. */
  async close(): Promise<void> {
    this.isOpen = false;
    await Promise.all(this.working);
  }

  private async work(desk: number): Promise<void> {
    for (let own = 0; this.isOpen; own++) {
      const keyNumber = (own % 3) * this.desks + desk;
      await this.post(changeOf({ ship: 'service', call: this.calls++, keyNumber }));
    }
  }

  private async post(change: ReturnType<typeof changeOf>): Promise<void> {
    const messageId = uuidv7();
    for (;;) {
      const answer = await this.attempt({ ...change, messageId });
      if (answer) {
        const { entity } = change;
        this.oracle.oblige({ messageId, entity, sequence: answer.sequence, fingerprint: fingerprint(change) });
        return;
      }
      this.repeated++;
      await sleep(RETRY_MS);
    }
  }

  /** Undefined: no answer, or not now. */
  private async attempt(body: object): Promise<{ readonly sequence: number } | undefined> {
    try {
      const response = await fetch(`${this.baseUrl}/api/mqtt/reliable-sync/changes`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(10_000),
      });
      if (response.status !== 202) return undefined;
      return (await response.json()) as { sequence: number };
    } catch {
      return undefined;
    }
  }
}
