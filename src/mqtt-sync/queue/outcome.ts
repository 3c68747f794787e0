import { errorText } from '../error-text.js';
import type { SyncLogger } from '../logger.js';
import type { CommitPlan } from './commit-plan.js';
import { type EntityStream, subtract } from './entity-stream.js';
import type { EntityStreams } from './entity-streams.js';
import type { QueuedMessage } from './message.js';
import type { PendingWork } from './pending-work.js';
import type { QueueLimits } from './room-maker.js';
import type { QueueObserver } from './sync-queue.js';

/** Makes a commit true in memory and tells about it; or undoes what forming it had done. */
export class Outcome {
  constructor(
    private readonly limits: Pick<QueueLimits, 'maxDeadLetters'>,
    private readonly streams: EntityStreams,
    private readonly pending: PendingWork,
    private readonly observer: QueueObserver | undefined,
    private readonly logger: SyncLogger,
  ) {}

  succeeded(plan: CommitPlan): void {
    for (const stream of plan.newStreams.values()) this.streams.register(stream);
    this.streams.nextPosition = plan.nextPosition;
    this.streams.deadLetters += plan.deadLetters.length - plan.removedDeadLetters.length;
    this.applyChanges(plan);
    for (const { stream, from, message } of plan.retried)
      stream.retried.moved(message.sequence, from, message.position);
    for (const { call, accepted } of plan.calls) call.resolve(accepted);
    for (const { call, found } of plan.letterCalls) call.resolve(found);
    for (const { call, count } of plan.purgeCalls) call.resolve(count);
    this.warn(plan);
    this.tell(plan);
  }

  failed(plan: CommitPlan, error: Error): void {
    for (const { stream, victims } of plan.changes.values()) stream.spare(victims);
    for (const change of plan.changes.values()) {
      if (change.gapsAreStale) this.pending.staleGaps.add(change.stream);
    }
    this.pending.takeBack(plan.departures);
    for (const { call } of plan.calls) call.reject(error);
    for (const { call } of plan.letterCalls) call.reject(error);
    for (const { call } of plan.purgeCalls) call.reject(error);
  }

  /** A message is no longer counted. */
  left(stream: EntityStream, { position, sequence }: Pick<QueuedMessage, 'position' | 'sequence'>): void {
    this.guard(() => this.observer?.left(position, stream.retried.firstPosition(sequence, position)));
  }

  /** Messages that cannot be found are no longer counted. */
  missing({ entity }: EntityStream, count: number): void {
    this.guard(() => this.observer?.missing(entity, count));
    for (let lost = 0; lost < count; lost++) this.guard(() => this.observer?.left(0, 0));
  }

  availability(available: boolean, reason: string | undefined): void {
    this.guard(() => this.observer?.availability(available, reason));
  }

  measured(durationMs: number): void {
    this.guard(() => this.observer?.committed(durationMs));
  }

  private applyChanges(plan: CommitPlan): void {
    for (const { stream, sequence, lastPosition, lane, stored, added, victims, losses } of plan.changes.values()) {
      Object.assign(stream, { sequence, lastPosition, lane, stored });
      for (const keyed of added) {
        stream.append(keyed);
        stream.volume.messages++;
        stream.volume.bytes += keyed.message.payload.length;
      }
      for (const { payload } of victims) subtract(stream.volume, 1, payload.length);
      stream.endDropping(victims.length);
      for (const [lost, reason] of losses) {
        stream.gaps.add(lost, reason);
        stream.lost.add(lost, reason);
      }
    }
  }

  private warn({ discarded }: CommitPlan): void {
    const tooMany = discarded.filter(({ reason }) => reason === 'too_many').length;
    if (tooMany === 0) return;
    this.logger.warn(
      `More dead letters than queue.maxDeadLetters (${this.limits.maxDeadLetters}): the oldest ${tooMany} were discarded.`,
    );
  }

  private tell({ changes, departures, retried, purged, discarded }: CommitPlan): void {
    const { observer } = this;
    if (!observer) return;
    for (const { message } of retried) this.guard(() => observer.retried(message));
    for (const { stream, victims } of changes.values()) {
      for (const victim of victims) {
        this.guard(() => observer.dropped(victim, purged.has(victim) ? 'purged' : 'queue_full'));
        this.left(stream, victim);
      }
    }
    for (const { letter } of departures) {
      if (letter) this.guard(() => observer.deadLettered(letter));
    }
    for (const { letter, reason } of discarded) this.guard(() => observer.discarded(letter, reason));
  }

  /** The queue must not stumble over whoever watches it. */
  private guard(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.logger.error(`An observer of the queue threw: ${errorText(error)}`);
    }
  }
}
