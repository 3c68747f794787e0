import { beforeEach, describe, expect, it } from 'vitest';
import { RecordingLogger } from '../../../../test/helpers/connection.js';
import type { IncomingLink, SubscriptionRequest } from '../../connection/incoming-link.js';
import { FakeClock } from '../../time/fake-clock.js';
import { RequestSubscription } from './request-subscription.js';

const FILTERS = ['ship/up/catchup/request', 'ship/down/catchup/request'];
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A link that notes what is subscribed, and answers when it is told to. */
class SubscribingLink {
  readonly asked: string[][] = [];
  answer: (codes: readonly number[]) => void = () => {};

  constructor(readonly sessionPresent = false) {}

  subscribe(requests: readonly SubscriptionRequest[]): Promise<readonly number[]> {
    this.asked.push(requests.map(({ filter, qos }) => `${filter} ${qos}`));
    return new Promise((resolve) => (this.answer = resolve));
  }

  get link(): IncomingLink {
    return this as unknown as IncomingLink;
  }
}

describe('RequestSubscription', () => {
  let logger: RecordingLogger;
  let subscription: RequestSubscription;
  let clock: FakeClock;
  beforeEach(() => {
    logger = new RecordingLogger();
    clock = new FakeClock();
    subscription = new RequestSubscription(clock, logger);
    subscription.want(FILTERS);
  });

  const connect = (sessionPresent = false): SubscribingLink => {
    const link = new SubscribingLink(sessionPresent);
    subscription.linked(link.link);
    return link;
  };

  it('asks once something was acknowledged on the link, once, for all filters at QoS 1', () => {
    const link = connect();
    expect([link.asked, subscription.isDue]).toEqual([[], true]);
    subscription.proven();
    subscription.proven();
    expect(link.asked).toEqual([FILTERS.map((filter) => `${filter} 1`)]);
    expect(subscription.isDue).toBe(false);
  });

  it('asks again in a session that should have it, once the link lasts: the broker may have resumed an older one', async () => {
    const first = connect();
    subscription.proven();
    first.answer([1, 1]);
    await turn();
    subscription.lost();
    const short = connect(true);
    subscription.proven();
    clock.advance(4999);
    subscription.lost();
    clock.advance(5000);
    expect(short.asked).toEqual([]);
    const lasting = connect(true);
    subscription.proven();
    clock.advance(5000);
    expect(lasting.asked).toHaveLength(1);
    lasting.answer([1, 1]);
    await turn();
    subscription.lost();
    const fresh = connect(false);
    subscription.proven();
    expect([fresh.asked.length, clock.pendingTimers]).toEqual([1, 0]);
  });

  it('says each refusal once, by its filter, and asks again on the next link', async () => {
    for (let connection = 1; connection <= 3; connection++) {
      const link = connect(true);
      subscription.proven();
      expect(link.asked).toHaveLength(1);
      link.answer([1, 0x87]);
      await turn();
      subscription.lost();
    }
    expect(logger.matching(/refused the subscription/)).toEqual([expect.stringContaining(FILTERS[1]!)]);
  });

  it('asks again on the same link for what is refused, until it is granted', async () => {
    const link = connect();
    subscription.proven();
    link.answer([1, 0x87]);
    await turn();
    clock.advance(60_000);
    expect(link.asked).toHaveLength(2);
    link.answer([1, 1]);
    await turn();
    expect(subscription.view.map(({ state }) => state)).toEqual(['granted', 'granted']);
    expect([logger.matching(/grants the subscription/).length, clock.pendingTimers]).toEqual([1, 0]);
  });

  it('shows of each filter whether the session at the broker has it', async () => {
    const states = () => subscription.view.map(({ filter, state }) => `${filter} ${state}`);
    const link = connect();
    subscription.proven();
    expect(states()).toEqual(FILTERS.map((filter) => `${filter} not_asked`));
    link.answer([1, 0x87]);
    await turn();
    expect(states()).toEqual([`${FILTERS[0]} granted`, `${FILTERS[1]} refused`]);
    subscription.lost();
    connect(true);
    expect(states()).toEqual([`${FILTERS[0]} granted`, `${FILTERS[1]} refused`]);
    subscription.lost();
    connect(false);
    expect(states()).toEqual(FILTERS.map((filter) => `${filter} not_asked`));
  });

  it('holds back where the broker hangs up on it three times, and says so', () => {
    const asked = Array.from({ length: 6 }, () => {
      const link = connect();
      subscription.proven();
      subscription.lost();
      return link.asked.length;
    });
    expect(asked).toEqual([1, 1, 1, 0, 0, 0]);
    expect(logger.matching(/lost 3 times while subscribing/)).toHaveLength(1);
  });

  it('takes an answer that comes after the link is gone for none', async () => {
    const first = connect();
    subscription.proven();
    subscription.lost();
    const second = connect();
    first.answer([1, 1]);
    await turn();
    subscription.proven();
    expect(second.asked).toHaveLength(1);
  });
});
