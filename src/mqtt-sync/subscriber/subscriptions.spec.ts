import { beforeEach, describe, expect, it } from 'vitest';
import { RecordingLogger } from '../../../test/helpers/connection.js';
import type { IncomingLink, SubscriptionRequest } from '../connection/incoming-link.js';
import { FakeClock } from '../time/fake-clock.js';
import { Subscriptions } from './subscriptions.js';

const FILTERS = ['$share/office/vessel/sync/crew', 'vessel/sync/system/gap/+'];
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A link that notes what is asked of it, and answers when it is told to. */
class AskedLink {
  readonly asked: string[][] = [];
  readonly unsubscribed: string[] = [];
  readonly cuts: string[] = [];
  answer: (codes: readonly number[]) => void = () => {};
  readonly protocol = '5';

  constructor(readonly sessionPresent: boolean) {}

  subscribe(requests: readonly SubscriptionRequest[]): Promise<readonly number[]> {
    this.asked.push(requests.map(({ filter }) => filter));
    return new Promise((resolve) => (this.answer = resolve));
  }

  unsubscribe(filters: readonly string[]): Promise<void> {
    this.unsubscribed.push(...filters);
    return Promise.resolve();
  }

  cut(reason: string): void {
    this.cuts.push(reason);
  }
}

describe('Subscriptions', () => {
  let clock: FakeClock;
  let isReading: boolean;
  let logger: RecordingLogger;
  let subscriptions: Subscriptions;
  beforeEach(() => {
    clock = new FakeClock();
    isReading = true;
    logger = new RecordingLogger();
    subscriptions = new Subscriptions(
      clock,
      logger,
      () => {},
      () => isReading,
    );
    subscriptions.want(FILTERS);
  });

  const connect = (sessionPresent = false): AskedLink => {
    const link = new AskedLink(sessionPresent);
    subscriptions.linked(link as unknown as IncomingLink);
    return link;
  };

  /** A connection on which everything was granted, and that is gone. */
  const granted = async (): Promise<void> => {
    connect().answer([1, 1]);
    await turn();
    subscriptions.lost();
  };

  it('asks a resumed session for all of them again, shared ones too, and shows them as granted meanwhile', async () => {
    await granted();
    const resumed = connect(true);
    expect(resumed.asked).toEqual([FILTERS]);
    expect(subscriptions.active).toBe(2);
    resumed.answer([1, 1]);
    await turn();
    expect(subscriptions.active).toBe(2);
  });

  it('notices at a resumed session that a right was withdrawn', async () => {
    await granted();
    connect(true).answer([0x87, 1]);
    await turn();
    expect(subscriptions.active).toBe(1);
    expect(subscriptions.refused).toEqual([{ filter: FILTERS[0], reason: 'Not authorized (0x87)' }]);
  });

  it('asks for what is refused again on the same connection, less and less often, until it is granted', async () => {
    const link = connect();
    link.answer([0x87, 1]);
    await turn();
    clock.advance(60_000);
    expect(link.asked).toEqual([FILTERS, [FILTERS[0]]]);
    expect(subscriptions.refused).toHaveLength(1);
    link.answer([0x97]);
    await turn();
    clock.advance(119_999);
    expect(link.asked).toHaveLength(2);
    clock.advance(1);
    link.answer([1]);
    await turn();
    expect([subscriptions.active, subscriptions.refused, clock.pendingTimers]).toEqual([2, [], 0]);
    expect(logger.lines.map((line) => line.split(' ')[0])).toEqual(['error', 'error', 'log']);
  });

  it('does not ask a connection that is gone again', async () => {
    const link = connect();
    link.answer([0x87, 1]);
    await turn();
    subscriptions.lost();
    clock.advance(3_600_000);
    expect([link.asked.length, clock.pendingTimers]).toEqual([1, 0]);
  });

  it('ends what is no longer wanted while it is asked for again', async () => {
    const link = connect();
    link.answer([0x87, 1]);
    await turn();
    clock.advance(60_000);
    subscriptions.want([FILTERS[1]!]);
    await turn();
    expect(link.unsubscribed).toEqual([FILTERS[0]]);
  });

  it('asks once per connection, also when something else is wanted later', async () => {
    await granted();
    const resumed = connect(true);
    resumed.answer([1, 1]);
    await turn();
    subscriptions.want([...FILTERS, 'vessel/sync/alerts']);
    await turn();
    expect(resumed.asked).toEqual([FILTERS, ['vessel/sync/alerts']]);
  });

  it('ends in a resumed session what is no longer wanted', async () => {
    await granted();
    subscriptions.want([FILTERS[1]!]);
    const resumed = connect(true);
    expect(resumed.unsubscribed).toEqual([FILTERS[0]]);
    expect(resumed.asked).toEqual([[FILTERS[1]]]);
  });

  it('leaves a connection on which nothing comes for 30 s, not even the answer', () => {
    const link = connect();
    clock.advance(29_999);
    expect(link.cuts).toEqual([]);
    clock.advance(1);
    expect(link.cuts).toHaveLength(1);
  });

  it('waits for an answer behind what the session has kept, as long as that comes, or is not read', () => {
    const link = connect(true);
    for (let messages = 0; messages < 10; messages++) {
      clock.advance(20_000);
      subscriptions.received();
    }
    isReading = false;
    clock.advance(90_000);
    isReading = true;
    expect(link.cuts).toEqual([]);
    clock.advance(60_000);
    expect(link.cuts).toHaveLength(1);
  });

  it('expects nothing any more once it has the answer', async () => {
    const link = connect();
    link.answer([1, 1]);
    await turn();
    clock.advance(600_000);
    expect([link.cuts, clock.pendingTimers]).toEqual([[], 0]);
  });
});
