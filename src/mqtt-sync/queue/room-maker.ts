import { QueueFullError } from '../errors.js';
import { LANES } from '../wire/lanes.js';
import { isUsedUp } from './commit-bounds.js';
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

/** For what room is needed, and how much has to go. */
interface Need {
  readonly messages: readonly QueuedMessage[];
  readonly excess: Volume;
  /** How much of it would have to go without these messages, too. */
  readonly above: Volume;
}

interface Choice {
  readonly victims: readonly Victim[];
  readonly volume: Volume;
}

const NOTHING: Volume = { messages: 0, bytes: 0 };

/** Makes room for new messages by the overflow policy. */
export class RoomMaker {
  constructor(private readonly limits: QueueLimits) {}

  /**
   * Takes as many victims as the messages need, into the plan; or none, when not enough can go. What is above the limits
   * already, as when they were lowered between two starts, goes first, and as much at a time as one commit takes.
   */
  makeRoom(
    messages: readonly QueuedMessage[],
    present: Volume,
    plan: CommitPlan,
    streams: Iterable<EntityStream>,
  ): Room {
    const bytes = messages.reduce((sum, { payload }) => sum + payload.length, 0);
    const { maxMessages, maxBytes, overflowPolicy } = this.limits;
    if (messages.length > maxMessages || bytes > maxBytes) return this.full('They are more than the whole queue takes');
    const above: Volume = {
      messages: present.messages + plan.coming.messages - plan.going.messages - maxMessages,
      bytes: present.bytes + plan.coming.bytes - plan.going.bytes - maxBytes,
    };
    const excess: Volume = { messages: above.messages + messages.length, bytes: above.bytes + bytes };
    if (covers(NOTHING, excess)) return 'made';
    if (overflowPolicy === 'reject') return this.full('The overflow policy is to reject');
    // What is dropped is held in memory until that is stored, and others have dropped enough for one commit.
    if (isUsedUp(plan.going)) return 'later';
    const { victims, volume } = this.choose({ messages, excess, above }, plan, [...streams]);
    const isPart = isUsedUp(volume) && !covers(volume, above);
    if (isPart || covers(volume, excess)) {
      for (const { stream, message } of victims) plan.drop(stream, message);
      return isPart ? 'later' : 'made';
    }
    spare(victims);
    // Messages of the commit in the making cannot be dropped before they are stored.
    if (plan.coming.messages > 0) return 'later';
    return this.full('Nothing that waits may be dropped for them');
  }

  private choose({ messages, excess, above }: Need, plan: CommitPlan, streams: readonly EntityStream[]): Choice {
    const urgency = this.limits.overflowPolicy === 'drop-lowest-priority' ? urgencyOf : () => 0;
    // For a batch: what makes room must not be more urgent than any message of it.
    let floor = 0;
    for (const message of messages) floor = Math.max(floor, urgency(message));
    // Nor than any message of the commit in the making.
    for (const { added, lane } of plan.changes.values()) {
      if (added.length > 0) floor = Math.max(floor, urgency({ lane }));
    }
    const victims: Victim[] = [];
    const volume: Volume = { messages: 0, bytes: 0 };
    while (!covers(volume, excess) && (covers(volume, above) || !isUsedUp(volume))) {
      const victim = oldestOfLowest(streams, urgency);
      if (!victim) break;
      if (urgency(victim.message) < floor) break;
      victim.stream.takeVictim();
      victims.push(victim);
      volume.messages++;
      volume.bytes += victim.message.payload.length;
    }
    return { victims, volume };
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

function covers(volume: Volume, asked: Volume): boolean {
  return volume.messages >= asked.messages && volume.bytes >= asked.bytes;
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
