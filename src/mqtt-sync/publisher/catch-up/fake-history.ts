import type { PastMessage, QueueHistory } from '../../queue/queue-history.js';
import type { SequenceRange } from '../../wire/sequence-ranges.js';

/** What a test says that a queue knows of its entity types, all of them alike. */
export class FakeHistory implements QueueHistory {
  readonly keeps = true;
  newestNumber = 0;
  /** Numbers in the journal, in order. */
  kept: number[] = [];
  /** Numbers that wait, or are dead letters. */
  waiting: number[] = [];
  lost: SequenceRange[] = [];
  /** What `sequenceSince()` answers. */
  since = 1;

  stats = () => ({ bytes: 0, oldestAtMs: undefined });
  settled = (): Promise<void> => Promise.resolve();
  newest = (): number => this.newestNumber;
  sequenceSince = (): number => this.since;
  losses = (): readonly SequenceRange[] => this.lost;

  delivered(_entity: string, { from, to }: { from: number; to: number }, { records }: { records: number }) {
    const found = this.kept.filter((sequence) => sequence >= from && sequence <= to).slice(0, records);
    return found.map((sequence): PastMessage => ({ sequence, payload: Buffer.from(JSON.stringify({ sequence })) }));
  }

  undelivered(_entity: string, { from, to }: { from: number; to: number }): Promise<ReadonlySet<number>> {
    return Promise.resolve(new Set(this.waiting.filter((sequence) => sequence >= from && sequence <= to)));
  }
}

/** The numbers from one to another. */
export const span = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
