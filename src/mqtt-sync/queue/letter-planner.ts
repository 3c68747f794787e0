import type { SyncLogger } from '../logger.js';
import { MAX_COMMIT_DISCARDS } from './commit-bounds.js';
import type { CommitPlan } from './commit-plan.js';
import type { EntityStreams } from './entity-streams.js';
import type { MessageStore, StoredDeadLetter } from './message-store.js';
import type { LetterCall, PendingWork } from './pending-work.js';
import { laneOf } from './placement.js';
import type { QueueLimits } from './room-maker.js';
import type { DiscardReason } from './sync-queue.js';

/** Makes a commit of what is to become of dead letters. */
export class LetterPlanner {
  constructor(
    private readonly limits: QueueLimits,
    private readonly pending: PendingWork,
    private readonly streams: EntityStreams,
    private readonly store: MessageStore,
    private readonly logger: SyncLogger,
  ) {}

  /** Plans what was asked for. */
  planCalls(plan: CommitPlan): void {
    const { letters } = this.pending;
    for (let call = letters.first; call; call = letters.first) {
      // A call whose letter cannot be read stays where it is refused with the others.
      const found = this.planCall(plan, call);
      letters.shift();
      plan.letterCalls.push({ call, found });
    }
  }

  /** Gives up the oldest ones that are too many. */
  discardExcess(plan: CommitPlan): void {
    const coming = plan.deadLetters.length - plan.removedDeadLetters.length;
    const excess = this.streams.deadLetters + coming - this.limits.maxDeadLetters;
    if (excess <= 0) return;
    const removed = new Set(plan.removedDeadLetters.map(({ position }) => position));
    const oldest = this.store
      .deadLettersAfter(-1, Math.min(excess, MAX_COMMIT_DISCARDS) + removed.size)
      .filter(({ key }) => !removed.has(key.position))
      .slice(0, excess);
    for (const stored of oldest) this.discard(plan, stored, 'too_many');
    if (oldest.length > 0) {
      this.logger.warn(
        `More dead letters than queue.maxDeadLetters (${this.limits.maxDeadLetters}): the oldest ${oldest.length} are discarded.`,
      );
    }
  }

  private planCall(plan: CommitPlan, { position, action }: LetterCall): boolean {
    const stored = this.store.deadLetterAt(position);
    if (!stored || plan.removedDeadLetters.some((key) => key.position === position)) return false;
    const { message } = stored.letter;
    if (action === 'discard') {
      this.discard(plan, stored, 'by_hand');
      return true;
    }
    const stream = this.streams.get(stored.letter.entity);
    if (!message || !stream) return false;
    plan.removedDeadLetters.push(stored.key);
    const again = { ...message, position: plan.nextPosition, lane: laneOf(stream, plan, message.lane) };
    plan.add(stream, again);
    plan.retried.push({ stream, from: position, message: again });
    return true;
  }

  private discard(plan: CommitPlan, { key, letter, raw }: StoredDeadLetter, reason: DiscardReason): void {
    plan.removedDeadLetters.push(key);
    plan.discarded.push({ letter, reason });
    const stream = this.streams.get(letter.entity);
    // A damaged record was told as a gap when it was found.
    if (stream && !raw) plan.change(stream).losses.push([key.sequence, 'discarded']);
  }
}
