import { onTestFinished, vi } from 'vitest';
import { Dispatcher } from '../../src/mqtt-sync/publisher/dispatcher.js';
import type { AcceptedMessage, MessageDraft } from '../../src/mqtt-sync/queue/message.js';
import type { QueueLimits } from '../../src/mqtt-sync/queue/room-maker.js';
import { SyncEvents } from '../../src/mqtt-sync/sync-events.js';
import { SyncStatistics } from '../../src/mqtt-sync/sync-statistics.js';
import {
  draft,
  inMemory,
  type MakeQueue,
  RecordingLogger,
  type TestQueue,
  VESSEL,
  watch,
} from '../contract/queue-harness.js';
import { FakeLink } from './fake-link.js';

/** A message as a test wants it: its entity type is its topic, a text its data. */
export interface Wish extends Partial<Pick<MessageDraft, 'entity' | 'key' | 'qos' | 'lane'>> {
  readonly text?: string;
}

/** So many of a kind; their texts are their numbers. */
export function numbered(count: number, wish: Wish = {}): Wish[] {
  return Array.from({ length: count }, (_, at) => ({ ...wish, text: String(at + 1) }));
}

/** One turn of the event loop, in which the dispatcher fills its window. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

export function textOf({ payload }: { readonly payload: Buffer }): string {
  return (JSON.parse(payload.toString()) as { data: string }).data;
}

/** The texts sent on a link, the service's own included. */
export const texts = (link: FakeLink) => link.published.map(textOf);

/** The topics of what was sent on a link: entity types, and `status`. */
export const topics = (link: FakeLink) => link.published.map(({ topic }) => topic);

function draftOf({ entity = 'work_orders', text = '', ...wish }: Wish): MessageDraft {
  return draft(entity, { topic: entity, key: undefined, dataJson: JSON.stringify(text), ...wish });
}

/** A dispatcher on a queue that is open; stopped when the test is over. */
export function dispatcherOn({ queue, clock }: Pick<TestQueue, 'queue' | 'clock'>, maxInFlight = 100) {
  const logger = new RecordingLogger();
  const events = new SyncEvents(logger);
  const statistics = new SyncStatistics(events);
  const confirm = vi.fn();
  const dispatcher = new Dispatcher({ queue, connection: { confirm }, events, clock, logger, maxInFlight });
  onTestFinished(() => dispatcher.stop());

  const accept = async (...wishes: Wish[]): Promise<readonly AcceptedMessage[]> => {
    const accepted = await queue.accept(wishes.map(draftOf));
    dispatcher.wake();
    await turn();
    return accepted;
  };

  const connect = async (limits?: ConstructorParameters<typeof FakeLink>[1]): Promise<FakeLink> => {
    const link = new FakeLink(dispatcher, limits);
    await turn();
    return link;
  };

  /** What became of the service's own messages, in order. */
  const outcomes: string[] = [];
  /** Sends one of them. */
  const send = (text: string): void => {
    const payload = Buffer.from(JSON.stringify({ data: text }));
    dispatcher.send({ topic: 'status', payload, retain: true, settled: (outcome) => outcomes.push(outcome) });
  };

  const waiting = (): number => queue.stats().messages;
  return { dispatcher, events, statistics, logger, confirm, accept, connect, send, outcomes, waiting };
}

/** The dispatcher, and the queue with what watches it; with room for all that a test accepts unless the limits say otherwise. */
export async function dispatcherScene({
  make = inMemory,
  maxInFlight,
  ...limits
}: Partial<QueueLimits> & { readonly make?: MakeQueue; readonly maxInFlight?: number } = {}) {
  const { queue, clock, observer } = watch(make, { maxMessages: 10_000, maxBytes: 1e9, ...limits });
  await queue.open(VESSEL);
  return { queue, clock, observer, ...dispatcherOn({ queue, clock }, maxInFlight) };
}
