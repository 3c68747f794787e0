import type { Clock } from '../../time/clock.js';
import type { CommitGroup } from './commit-group.js';
import type { HandledLimits } from './inbox-limits.js';
import type { HandledRecord, InboxStore } from './inbox-store.js';

/** What one commit forgets beyond what it adds: little enough to go unnoticed when a month of them has expired. */
const FORGOTTEN_PER_COMMIT = 256;

/** Decides which handled changes are forgotten. Their number is all of them that is in memory. */
export class HandledMemory {
  private oldestAtMs = -Infinity;

  constructor(
    private remembered: number,
    private lastOrder: number,
    private readonly store: Pick<InboxStore, 'oldestHandled'>,
    private readonly limits: HandledLimits,
    private readonly clock: Clock,
  ) {}

  get count(): number {
    return this.remembered;
  }

  nextOrder(): number {
    return ++this.lastOrder;
  }

  /** What a commit of this group forgets. */
  forgettable({ handled }: CommitGroup): readonly HandledRecord[] {
    const excess = this.remembered + handled.length - this.limits.maxIds;
    const cutoffMs = this.clock.wallMs() - this.limits.maxAgeS * 1000;
    if (excess <= 0 && this.oldestAtMs >= cutoffMs) return [];
    const limit = handled.length + FORGOTTEN_PER_COMMIT;
    const oldest = this.store.oldestHandled(limit + 1);
    const isForgotten = ({ atMs }: HandledRecord, index: number) => index < excess || atMs < cutoffMs;
    const kept = oldest.findIndex((record, index) => !isForgotten(record, index));
    this.oldestAtMs = oldest.at(kept)?.atMs ?? this.clock.wallMs();
    return oldest.slice(0, kept < 0 ? limit : Math.min(kept, limit));
  }

  committed(added: number, forgotten: number): void {
    this.remembered += added - forgotten;
  }
}
