import { QueueFullError } from '../errors.js';
import { exceedsBounds, MAX_COMMIT_DISCARDS } from './commit-bounds.js';
import type { CommitPlan } from './commit-plan.js';
import type { Volume } from './entity-stream.js';
import type { EntityStreams } from './entity-streams.js';
import type { MessageStore, StoredDeadLetter } from './message-store.js';
import type { LetterCall, PendingWork } from './pending-work.js';
import { laneOf } from './placement.js';
import type { QueueLimits, RoomMaker } from './room-maker.js';
import type { DiscardReason } from './sync-queue.js';

/** Whether there was such a letter; or why nothing can become of it, in this commit or at all. */
type Answer = boolean | 'later' | QueueFullError;

/** Makes a commit of what is to become of dead letters. */
export class LetterPlanner {
  constructor(
    private readonly limits: QueueLimits,
    private readonly pending: PendingWork,
    private readonly streams: EntityStreams,
    private readonly room: RoomMaker,
    private readonly store: MessageStore,
  ) {}

  /** Plans what was asked for, as much of it as one commit takes; before what makes messages come. */
  planCalls(plan: CommitPlan): void {
    const { letters } = this.pending;
    const planned: Volume = { messages: 0, bytes: 0 };
    for (let call = letters.first; call; call = letters.first) {
      // A call whose letter cannot be read stays where it is refused with the others.
      const stored = this.letterAt(plan, call.position);
      const asked = { messages: 1, bytes: stored?.letter.message?.payload.length ?? 0 };
      if (exceedsBounds(planned, asked)) return;
      const answer = stored ? this.planCall(plan, call, stored) : false;
      if (answer === 'later') return;
      letters.shift();
      if (answer instanceof QueueFullError) call.reject(answer);
      else plan.letterCalls.push({ call, found: answer });
      planned.messages += asked.messages;
      planned.bytes += asked.bytes;
    }
  }

  /** Gives up the oldest ones that are too many. */
  discardExcess(plan: CommitPlan): void {
    const excess = this.excess(plan);
    if (excess <= 0) return;
    const removed = new Set(plan.removedDeadLetters.map(({ position }) => position));
    const asked = Math.min(excess, MAX_COMMIT_DISCARDS) + removed.size;
    const oldest = this.store.deadLettersAfter(-1, asked);
    // Then that is all there are, whatever their number says after a damage: it would be too large for ever.
    if (oldest.length < asked) this.streams.deadLetters = oldest.length;
    const discarded = oldest.filter(({ key }) => !removed.has(key.position)).slice(0, Math.max(0, this.excess(plan)));
    for (const stored of discarded) this.discard(plan, stored, 'too_many');
  }

  /** By how many there will be too many. */
  private excess(plan: CommitPlan): number {
    const coming = plan.deadLetters.length - plan.removedDeadLetters.length;
    return this.streams.deadLetters + coming - this.limits.maxDeadLetters;
  }

  /** The letter at a position, unless it leaves with this commit already. */
  private letterAt(plan: CommitPlan, position: number): StoredDeadLetter | undefined {
    if (plan.removedDeadLetters.some((key) => key.position === position)) return undefined;
    return this.store.deadLetterAt(position);
  }

  private planCall(plan: CommitPlan, { action }: LetterCall, stored: StoredDeadLetter): Answer {
    if (action === 'retry') return this.retry(plan, stored);
    this.discard(plan, stored, 'by_hand');
    return true;
  }

  private retry(plan: CommitPlan, { key, letter: { entity, message } }: StoredDeadLetter): Answer {
    const stream = this.streams.get(entity);
    if (!message || !stream) return false;
    const again = { ...message, position: plan.nextPosition, lane: laneOf(stream, plan, message.lane) };
    // It has left the count, so what came in its place may have to go again.
    const room = this.room.makeRoom([again], this.streams.volume, plan, this.streams);
    if (room !== 'made') return room;
    plan.removedDeadLetters.push(key);
    plan.add(stream, again);
    plan.retried.push({ stream, from: key.position, message: again });
    return true;
  }

  private discard(plan: CommitPlan, { key, letter }: StoredDeadLetter, reason: DiscardReason): void {
    plan.removedDeadLetters.push(key);
    plan.discarded.push({ letter, reason });
    const stream = this.streams.get(letter.entity);
    // A message that was found damaged was told already; but a letter may have got damaged since, and looks the same.
    if (stream) plan.change(stream).losses.push([key.sequence, 'discarded']);
  }
}
