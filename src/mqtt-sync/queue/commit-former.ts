import { MqttSyncError, type QueueFullError } from '../errors.js';
import { exceedsBounds, isUsedUp, MAX_COMMIT_DEPARTURES } from './commit-bounds.js';
import type { CommitPlan } from './commit-plan.js';
import type { EntityStream } from './entity-stream.js';
import type { EntityStreams } from './entity-streams.js';
import { LetterPlanner } from './letter-planner.js';
import type { MessageStore } from './message-store.js';
import type { AcceptedMessage } from './message.js';
import { type AcceptCall, type PendingWork, type PurgeCall, withoutPayload } from './pending-work.js';
import { Placement, UnreadableStoreError } from './placement.js';
import { type QueueLimits, RoomMaker } from './room-maker.js';

/** What becomes of a call: `later` when it needs the commit that is being formed to be finished first. */
type Answer = readonly AcceptedMessage[] | 'later' | Error;

/** Makes the next commit out of what was asked for. */
export class CommitFormer {
  private readonly room: RoomMaker;
  private readonly letters: LetterPlanner;

  constructor(
    limits: QueueLimits,
    private readonly pending: PendingWork,
    private readonly streams: EntityStreams,
    private readonly store: MessageStore,
  ) {
    this.room = new RoomMaker(limits);
    this.letters = new LetterPlanner(limits, pending, streams, this.room, store);
  }

  /**
   * Fills a plan with what is pending.
   * @param accepting whether calls may be answered, or only upkeep is done.
   */
  fill(plan: CommitPlan, accepting: boolean): void {
    this.planDepartures(plan, accepting);
    if (accepting && this.pending.departures.length === 0) {
      this.letters.planCalls(plan);
      this.planPurges(plan);
      this.planAccepts(plan);
    }
    this.letters.discardExcess(plan);
    this.planGaps(plan);
  }

  /** While the store fails, what was delivered is not kept: room is for what has to be stored. */
  private planDepartures(plan: CommitPlan, keepsDelivered: boolean): void {
    const { pending } = this;
    while (pending.departures.length > 0 && plan.departures.length < MAX_COMMIT_DEPARTURES) {
      const departure = pending.nextDeparture();
      plan.depart(keepsDelivered ? departure : withoutPayload(departure));
    }
  }

  private planGaps(plan: CommitPlan): void {
    for (const stream of this.pending.staleGaps) plan.change(stream).gapsAreStale = true;
    this.pending.staleGaps.clear();
  }

  // ---- accepting

  private planAccepts(plan: CommitPlan): void {
    const { accepts } = this.pending;
    const placement = new Placement(plan, this.streams, this.store);
    for (let call = accepts.first; call; call = accepts.first) {
      if (exceedsBounds(plan.coming, call.asked)) return;
      const answer = this.tryPlanAccept(plan, call, placement);
      if (answer === 'later') return;
      accepts.shift();
      if (answer instanceof Error) call.reject(answer);
      else plan.calls.push({ call, accepted: answer });
    }
  }

  /** What is wrong with one call is told to its caller; only a store that cannot be read concerns everybody. */
  private tryPlanAccept(plan: CommitPlan, call: AcceptCall, placement: Placement): Answer {
    try {
      return this.planAccept(plan, call, placement);
    } catch (error) {
      if (error instanceof UnreadableStoreError) throw error.cause;
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  private planAccept(plan: CommitPlan, call: AcceptCall, placement: Placement): Answer {
    placement.begin();
    const accepted: AcceptedMessage[] = [];
    try {
      for (const draft of call.drafts) accepted.push(placement.place(draft));
    } catch (error) {
      if (error instanceof MqttSyncError) error.index = accepted.length;
      throw error;
    }
    if (placement.messages.length > 0) {
      const room = this.room.makeRoom(placement.messages, this.streams.volume, plan, this.streams);
      if (room !== 'made') return room satisfies 'later' | QueueFullError;
    }
    placement.commit();
    return accepted;
  }

  // ---- purging

  private planPurges(plan: CommitPlan): void {
    const { purges } = this.pending;
    // A call for which this commit has no room is not told that nothing is left: it waits for the next one.
    for (let call = purges.first; call && !isUsedUp(plan.going); call = purges.first) {
      purges.shift();
      plan.purgeCalls.push({ call, count: this.planPurge(plan, call) });
    }
  }

  private planPurge(plan: CommitPlan, { entity, upTo }: PurgeCall): number {
    const streams = [...this.streams].filter((stream) => entity === undefined || stream.entity === entity);
    let count = 0;
    while (!isUsedUp(plan.going)) {
      const stream = oldestOf(streams, upTo);
      const message = stream?.takeVictim();
      if (!stream || !message) break;
      plan.drop(stream, message);
      plan.purged.add(message);
      count++;
    }
    return count;
  }
}

/** The stream whose first message was accepted first, of those whose first may go. */
function oldestOf(streams: readonly EntityStream[], upTo: number): EntityStream | undefined {
  let oldest: EntityStream | undefined;
  let first = upTo + 1;
  for (const stream of streams) {
    const position = stream.peekVictim()?.position ?? Infinity;
    if (position >= first) continue;
    oldest = stream;
    first = position;
  }
  return oldest;
}
