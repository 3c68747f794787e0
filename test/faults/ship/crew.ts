import type { Change } from '../../../src/mqtt-sync/publisher/change.js';
import type { SyncPublisher } from '../../../src/mqtt-sync/publisher/sync-publisher.service.js';
import type { SyncStatus } from '../../../src/mqtt-sync/sync-status.js';
import type { ClaimedCounters } from '../oracle/counters.js';
import { fingerprint } from '../oracle/fingerprint.js';
import type { Oracle } from '../oracle/oracle.js';
import { changeOf } from './changes.js';

/** How a crew writes. */
export interface CrewOptions {
  /** @default 'crew' */
  readonly ship?: string;
  /** @default 24 */
  readonly keys?: number;
  /** Characters of padding per change. @default 80 */
  readonly size?: number;
}

let crews = 0;

/** Publishes in this process, and notes every obligation. */
export class Crew {
  private call = 0;
  private readonly ship: string;

  constructor(
    private readonly publisher: Pick<SyncPublisher, 'publishMany' | 'publish'>,
    private readonly oracle: Oracle,
    private readonly options: CrewOptions = {},
  ) {
    this.ship = options.ship ?? `crew-${++crews}`;
  }

  /** Publishes so many changes at once, awaited together. */
  async publish(count: number): Promise<void> {
    const changes = this.changes(count);
    await Promise.all(
      changes.map(async ({ entity, operation, data, ...options }) => {
        const receipt = await this.publisher.publish(entity, operation, data, options);
        this.oblige({ entity, operation, data, ...options }, receipt);
      }),
    );
  }

  /** Publishes a backlog in commits of a thousand. */
  async publishBacklog(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1000) {
      const changes = this.changes(Math.min(left, 1000));
      const receipts = await this.publisher.publishMany(changes);
      receipts.forEach((receipt, index) => this.oblige(changes[index]!, receipt));
    }
  }

  private changes(count: number): Change[] {
    const { keys = 24, size = 80 } = this.options;
    return Array.from({ length: count }, () => {
      const call = ++this.call;
      return changeOf({ ship: this.ship, call, keyNumber: call % keys, size });
    });
  }

  private oblige(change: Change, { messageId, sequence }: { messageId: string; sequence: number | undefined }): void {
    const { entity } = change;
    if (sequence !== undefined) this.oracle.oblige({ messageId, entity, sequence, fingerprint: fingerprint(change) });
  }
}

/** What an application counted, for the oracle. */
export function statisticsOf({ status }: { readonly status: SyncStatus }): ClaimedCounters {
  const { messagesPublished, messagesDropped, deadLettered } = status.statistics;
  return {
    source: 'SyncStatistics',
    published: messagesPublished,
    dropped: messagesDropped,
    deadLettered,
    depth: status.queue.messages,
  };
}
