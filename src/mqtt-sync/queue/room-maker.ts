import { QueueFullError } from '../errors.js';
import { LANES } from '../wire/lanes.js';
import type { CommitPlan } from './commit-plan.js';
import type { EntityStream, Volume } from './entity-stream.js';
import type { QueuedMessage } from './message.js';

/** Limits of a queue, and what happens when it is full. */
export interface QueueLimits {
  readonly maxMessages: number;
  /** Bytes of payloads. */
  readonly maxBytes: number;
  readonly overflowPolicy: 'drop-oldest' | 'drop-lowest-priority' | 'reject';
  readonly maxDeadLetters: number;
}

/** Whether there is room: `later` when it needs the commit that is being formed to be finished first. */
export type Room = 'made' | 'later' | QueueFullError;

interface Victim {
  readonly stream: EntityStream;
  readonly message: QueuedMessage;
}

/** Makes room for new messages by the overflow policy. */
export class RoomMaker {
  constructor(private readonly limits: QueueLimits) {}

  /** Takes as many victims as the messages need, into the plan; or none, when not enough can go. */
  makeRoom(
    messages: readonly QueuedMessage[],
    present: Volume,
    plan: CommitPlan,
    streams: Iterable<EntityStream>,
  ): Room {
    const bytes = messages.reduce((sum, { payload }) => sum + payload.length, 0);
    const { maxMessages, maxBytes, overflowPolicy } = this.limits;
    if (messages.length > maxMessages || bytes > maxBytes) return this.full('They are more than the whole queue takes');
    const excess: Volume = {
      messages: present.messages + plan.coming.messages - plan.going.messages + messages.length - maxMessages,
      bytes: present.bytes + plan.coming.bytes - plan.going.bytes + bytes - maxBytes,
    };
    if (isMet(excess)) return 'made';
    if (overflowPolicy === 'reject') return this.full('The overflow policy is to reject');
    const victims = this.choose(messages, excess, plan, [...streams]);
    if (!isMet(excess)) {
      spare(victims);
      // Messages of the commit in the making cannot be dropped before they are stored.
      if (plan.coming.messages > 0) return 'later';
      return this.full('Nothing that waits may be dropped for them');
    }
    for (const { stream, message } of victims) plan.drop(stream, message);
    return 'made';
  }

  private choose(
    messages: readonly QueuedMessage[],
    excess: Volume,
    plan: CommitPlan,
    streams: EntityStream[],
  ): Victim[] {
    const urgency = this.limits.overflowPolicy === 'drop-lowest-priority' ? urgencyOf : () => 0;
    // For a batch: what makes room must not be more urgent than any message of it.
    let floor = 0;
    for (const message of messages) floor = Math.max(floor, urgency(message));
    // Nor than any message of the commit in the making.
    for (const { added, lane } of plan.changes.values()) {
      if (added.length > 0) floor = Math.max(floor, urgency({ lane }));
    }
    const victims: Victim[] = [];
    while (!isMet(excess)) {
      const victim = oldestOfLowest(streams, urgency);
      if (!victim) break;
      if (urgency(victim.message) < floor) break;
      victim.stream.takeVictim();
      victims.push(victim);
      excess.messages--;
      excess.bytes -= victim.message.payload.length;
    }
    return victims;
  }

  private full(reason: string): QueueFullError {
    const { maxMessages, maxBytes, overflowPolicy } = this.limits;
    return new QueueFullError(
      `The queue has no room for the change (limits: ${maxMessages} messages, ${maxBytes} bytes). ${reason}. ` +
        'Try again when messages have left, or raise the limits.',
      { maxMessages, maxBytes, overflowPolicy },
    );
  }
}

/** 0 is the most urgent lane. */
function urgencyOf({ lane }: Pick<QueuedMessage, 'lane'>): number {
  return LANES.indexOf(lane);
}

/** Puts victims back, all of one entity type at once. */
function spare(victims: readonly Victim[]): void {
  const byStream = new Map<EntityStream, QueuedMessage[]>();
  for (const { stream, message } of victims) {
    const some = byStream.get(stream);
    if (some) some.push(message);
    else byStream.set(stream, [message]);
  }
  for (const [stream, some] of byStream) stream.spare(some);
}

function isMet({ messages, bytes }: Volume): boolean {
  return messages <= 0 && bytes <= 0;
}

function oldestOfLowest(
  streams: readonly EntityStream[],
  urgency: (message: QueuedMessage) => number,
): Victim | undefined {
  let best: Victim | undefined;
  for (const stream of streams) {
    const message = stream.peekVictim();
    if (!message) continue;
    const rank = best ? urgency(message) - urgency(best.message) : 1;
    if (!best || rank > 0 || (rank === 0 && message.position < best.message.position)) best = { stream, message };
  }
  return best;
}
