import type { IncomingLink } from '../connection/incoming-link.js';
import { reasonCodeText } from '../connection/failure-text.js';
import { RefusedSubscriptionRetry } from '../connection/refused-subscription-retry.js';
import type { SyncLogger } from '../logger.js';
import type { CancelTimer, Clock } from '../time/clock.js';

/** A topic filter that the broker does not let us have. */
export interface RefusedSubscription {
  readonly filter: string;
  /** For people. */
  readonly reason: string;
}

/**
 * A broker that has sent neither the answer nor anything else for so long never will. In a session that it resumes, what it
 * has kept comes first: on a slow link, minutes of it.
 */
const SUBACK_TIMEOUT_MS = 30_000;
/** MQTT 5, section 3.9.3; MQTT 3.1.1 knows 0x80 only. */
const FIRST_REFUSAL = 0x80;

interface Subscription {
  /** What was granted stays so while a resumed session is asked for it again. */
  state: 'wanted' | 'asked' | 'granted' | 'refused';
  /** To be asked for on the connection at hand. */
  isDue: boolean;
  reason: string | undefined;
}

/**
 * The topic filters that we want, and what the broker has made of them. All of them are asked for on each connection: a
 * broker that was killed may resume a session as it was before our SUBSCRIBE. What is refused is asked for again, now and
 * then. Only at MQTT 3.1.1, where every SUBSCRIBE
 * brings all retained messages again, a resumed session is believed to have what was granted.
 */
export class Subscriptions {
  private readonly subscriptions = new Map<string, Subscription>();
  /** In the broker's session still, and no longer wanted. */
  private readonly leftOver = new Set<string>();
  private readonly logged = new Map<string, string>();
  private link: IncomingLink | undefined;
  private isDue = false;
  private lastReceivedMs = 0;
  private readonly retry: RefusedSubscriptionRetry;

  constructor(
    private readonly clock: Clock,
    private readonly logger: SyncLogger,
    /** The broker has granted something: the connection works. */
    private readonly granted: () => void,
    /** Whether anything is read just now; else an answer cannot arrive. */
    private readonly isReading: () => boolean,
  ) {
    this.retry = new RefusedSubscriptionRetry(clock, () => this.askForRefused());
  }

  /** How many filters the broker has granted. */
  get active(): number {
    return [...this.subscriptions.values()].filter(({ state }) => state === 'granted').length;
  }

  get refused(): readonly RefusedSubscription[] {
    return [...this.subscriptions].flatMap(([filter, { state, reason }]) =>
      state === 'refused' ? { filter, reason: reason ?? 'refused' } : [],
    );
  }

  /** Sets what is wanted from now on. */
  want(filters: Iterable<string>): void {
    const wanted = new Set(filters);
    for (const [filter, { state }] of this.subscriptions) {
      if (wanted.has(filter)) continue;
      this.subscriptions.delete(filter);
      if (state !== 'wanted') this.leftOver.add(filter);
    }
    for (const filter of wanted) {
      if (!this.subscriptions.has(filter))
        this.subscriptions.set(filter, { state: 'wanted', isDue: true, reason: undefined });
    }
    this.askSoon();
  }

  /** A connection is up. */
  linked(link: IncomingLink): void {
    this.link = link;
    for (const subscription of this.subscriptions.values()) {
      if (subscription.state !== 'granted' || !link.sessionPresent) subscription.state = 'wanted';
      subscription.isDue = subscription.state === 'wanted' || link.protocol === '5';
    }
    if (!link.sessionPresent) this.leftOver.clear();
    this.ask();
  }

  /** A message has arrived: the answer to a SUBSCRIBE may be behind it. */
  received(): void {
    this.lastReceivedMs = this.clock.monotonicMs();
  }

  /** The connection is gone; what was granted is in the broker's session still. */
  lost(): void {
    this.retry.end();
    this.link = undefined;
  }

  /** What is wanted in one turn of the event loop goes into one SUBSCRIBE. */
  private askSoon(): void {
    if (this.isDue) return;
    this.isDue = true;
    setImmediate(() => {
      this.isDue = false;
      this.ask();
    });
  }

  private askForRefused(): void {
    for (const subscription of this.subscriptions.values())
      if (subscription.state === 'refused') subscription.isDue = true;
    this.ask();
  }

  private ask(): void {
    const { link } = this;
    if (!link) return;
    const gone = [...this.leftOver].filter((filter) => !this.subscriptions.has(filter));
    this.leftOver.clear();
    if (gone.length > 0) void link.unsubscribe(gone);
    const due = [...this.subscriptions].filter(([, { isDue }]) => isDue);
    for (const [, subscription] of due) subscription.isDue = false;
    const possible = due.map(([filter]) => filter).filter((filter) => !this.refuseSharing(filter, link));
    if (possible.length > 0) void this.subscribe(link, possible);
  }

  /** MQTT 3.1.1 brokers would take a shared filter for a plain one: each instance would get everything, or nothing. */
  private refuseSharing(filter: string, link: IncomingLink): boolean {
    if (!filter.startsWith('$share/') || link.protocol === '5') return false;
    this.refuse(filter, 'shared subscriptions need MQTT 5, and this connection speaks 3.1.1');
    return true;
  }

  private async subscribe(link: IncomingLink, filters: readonly string[]): Promise<void> {
    for (const filter of filters) {
      const subscription = this.subscriptions.get(filter)!;
      // What was refused stays so as well while it is asked for again: health would tell it as mended.
      if (subscription.state === 'wanted') subscription.state = 'asked';
    }
    const cancel = this.expectAnswer(link);
    const codes = await link.subscribe(filters.map((filter) => ({ filter, qos: 1 })));
    cancel();
    if (link !== this.link) return;
    for (const [index, filter] of filters.entries()) this.answered(filter, codes[index] ?? FIRST_REFUSAL);
    if (codes.some((code) => code < FIRST_REFUSAL)) this.granted();
    if (this.refused.length > 0) this.retry.later();
    else this.retry.end();
  }

  private answered(filter: string, code: number): void {
    if (code >= FIRST_REFUSAL) return this.refuse(filter, reasonCodeText(code));
    const subscription = this.subscriptions.get(filter);
    if (!subscription) return;
    subscription.state = 'granted';
    if (this.logged.delete(filter)) this.logger.log(`The broker grants the subscription to ${filter} now.`);
    if (code === 0)
      this.logger.warn(`The broker grants ${filter} at QoS 0 only: what comes while we are away will be missing.`);
  }

  private refuse(filter: string, reason: string): void {
    const subscription = this.subscriptions.get(filter);
    if (!subscription) return;
    subscription.state = 'refused';
    subscription.reason = reason;
    if (this.logged.get(filter) === reason) return;
    this.logged.set(filter, reason);
    this.logger.error(
      `No subscription to ${filter}: ${reason}. What arrives there is not received; trying again now and then, and at each connection.`,
    );
  }

  private expectAnswer(link: IncomingLink): CancelTimer {
    let cancel = (): void => {};
    const wait = (delayMs: number): void => {
      cancel = this.clock.after(delayMs, () => {
        if (link !== this.link) return;
        if (!this.isReading()) return wait(SUBACK_TIMEOUT_MS);
        const leftMs = this.lastReceivedMs + SUBACK_TIMEOUT_MS - this.clock.monotonicMs();
        if (leftMs > 0) wait(leftMs);
        else link.cut(`neither SUBACK nor anything else within ${SUBACK_TIMEOUT_MS} ms`);
      });
    };
    wait(SUBACK_TIMEOUT_MS);
    return () => cancel();
  }
}
