import { formatReasonCode } from '../../connection/failure-text.js';
import type { IncomingLink } from '../../connection/incoming-link.js';
import { RefusedSubscriptionRetry } from '../../connection/refused-subscription-retry.js';
import type { SyncLogger } from '../../logger.js';
import type { CancelTimer, Clock } from '../../time/clock.js';
import { matchesFilter } from '../../wire/topic-filter.js';
import { AnnouncementGuard } from '../announcement-guard.js';
import { isRefusal } from '../reason-codes.js';

/** A topic filter, and what the broker has made of it. */
export interface SubscriptionView {
  readonly filter: string;
  readonly state: 'not_asked' | 'granted' | 'refused';
}

/** A link that lasts so long is not one of many that come and go. */
const LASTING_MS = 5000;

/**
 * Subscribes to the requests for catch-up on the publisher's connection: one of its own would cost a metered link its
 * pings. Only when the link has proven itself by an acknowledgement, and no longer at every connect when the broker seems
 * to hang up on it: whatever it does about the SUBSCRIBE, changes flow. A resumed session is asked again as well, once
 * its link lasts: a broker that was killed may resume it as it was before our SUBSCRIBE, and nobody would be heard any more.
 * What is refused is asked for again, now and then.
 */
export class RequestSubscription {
  private readonly guard: AnnouncementGuard;
  private filters: readonly string[] = [];
  private link: IncomingLink | undefined;
  /** What the broker answered last in this session. */
  private readonly answers = new Map<string, 'granted' | 'refused'>();
  private due = false;
  private cancelLasting: CancelTimer = () => {};
  private isPending = false;
  private readonly refusalsLogged = new Set<string>();
  private readonly retry: RefusedSubscriptionRetry;

  constructor(
    private readonly clock: Clock,
    private readonly logger: SyncLogger,
  ) {
    this.retry = new RefusedSubscriptionRetry(clock, () => this.askAgain());
    this.guard = new AnnouncementGuard(clock, (connections) =>
      logger.warn(`The connection was lost ${connections} times while subscribing to ${this.filters.join(' and ')}.`),
    );
  }

  /** Says what is subscribed, once it is known whose requests they are. */
  want(filters: readonly string[]): void {
    this.filters = filters;
  }

  get view(): readonly SubscriptionView[] {
    return this.filters.map((filter) => ({ filter, state: this.answers.get(filter) ?? 'not_asked' }));
  }

  /** Whether a topic is one that requests come in on. */
  covers(topic: string): boolean {
    return this.filters.some((filter) => matchesFilter(filter, topic));
  }

  linked(link: IncomingLink): void {
    this.link = link;
    if (!link.sessionPresent) this.answers.clear();
    this.isPending = false;
    this.guard.connected();
    this.due = !this.isGranted;
    if (this.due) return;
    this.cancelLasting = this.clock.after(LASTING_MS, () => this.askAgain());
  }

  /** Whether there is still something to ask for on this link. */
  get isDue(): boolean {
    return this.due;
  }

  /** Something was acknowledged on the link, or it lasts. */
  proven(): void {
    const { link, filters } = this;
    if (!link || !this.due || !this.guard.admits) return;
    this.due = false;
    this.isPending = true;
    void link.subscribe(filters.map((filter) => ({ filter, qos: 1 }))).then((reasonCodes) => {
      if (link !== this.link) return;
      this.isPending = false;
      this.guard.settled('acknowledged');
      filters.forEach((filter, index) => this.answered(filter, reasonCodes[index] ?? 0x80));
      if (this.isGranted) this.retry.end();
      else this.retry.later();
    });
  }

  lost(): void {
    this.cancelLasting();
    this.retry.end();
    this.due = false;
    if (this.isPending) this.guard.settled('lost');
    this.link = undefined;
  }

  /** Whether the session at the broker should have all of it. */
  private get isGranted(): boolean {
    return this.filters.every((filter) => this.answers.get(filter) === 'granted');
  }

  private askAgain(): void {
    this.due = true;
    this.proven();
  }

  private answered(filter: string, reasonCode: number): void {
    this.answers.set(filter, isRefusal(reasonCode) ? 'refused' : 'granted');
    if (!isRefusal(reasonCode)) {
      if (this.refusalsLogged.delete(filter)) this.logger.log(`The broker grants the subscription to ${filter} now.`);
      return;
    }
    if (this.refusalsLogged.has(filter)) return;
    this.refusalsLogged.add(filter);
    this.logger.warn(
      `The broker refused the subscription to ${filter} with ${formatReasonCode(reasonCode)}: nobody can ask this vessel there for changes again.`,
    );
  }
}
