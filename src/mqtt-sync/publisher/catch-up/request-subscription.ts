import { formatReasonCode } from '../../connection/failure-text.js';
import { type IncomingLink } from '../../connection/incoming-link.js';
import { type SyncLogger } from '../../logger.js';
import { type Clock } from '../../time/clock.js';
import { AnnouncementGuard } from '../announcement-guard.js';
import { isRefusal } from '../reason-codes.js';

/**
 * Subscribes to the requests for catch-up on the publisher's connection: one of its own would cost a metered link its
 * pings. Only when the link has proven itself by an acknowledgement, once per session, and no longer at every connect when
 * the broker seems to hang up on it: whatever it does about the SUBSCRIBE, changes flow.
 */
export class RequestSubscription {
  private readonly guard: AnnouncementGuard;
  private link: IncomingLink | undefined;
  /** Whether the session at the broker has all the subscriptions. */
  private isGranted = false;
  private isAsked = false;
  private isPending = false;
  private readonly refusalsLogged = new Set<string>();

  constructor(
    private readonly filters: readonly string[],
    clock: Clock,
    private readonly logger: SyncLogger,
  ) {
    this.guard = new AnnouncementGuard(clock, (connections) =>
      logger.warn(`The connection was lost ${connections} times while subscribing to ${filters.join(' and ')}.`),
    );
  }

  linked(link: IncomingLink): void {
    this.link = link;
    if (!link.sessionPresent) this.isGranted = false;
    this.isAsked = this.isGranted;
    this.isPending = false;
    this.guard.connected();
  }

  /** Whether there is still something to ask for on this link. */
  get isDue(): boolean {
    return this.link !== undefined && !this.isAsked;
  }

  /** Something was acknowledged on the link. */
  proven(): void {
    const { link, filters } = this;
    if (!link || this.isAsked || !this.guard.admits) return;
    this.isAsked = true;
    this.isPending = true;
    void link.subscribe(filters.map((filter) => ({ filter, qos: 1 }))).then((reasonCodes) => {
      if (link !== this.link) return;
      this.isPending = false;
      this.guard.settled('acknowledged');
      const refused = filters.flatMap((filter, index) => {
        const reasonCode = reasonCodes[index] ?? 0x80;
        return isRefusal(reasonCode) ? { filter, reasonCode } : [];
      });
      this.isGranted = refused.length === 0;
      for (const { filter, reasonCode } of refused) this.logRefusal(filter, reasonCode);
    });
  }

  lost(): void {
    if (this.isPending) this.guard.settled('lost');
    this.link = undefined;
  }

  private logRefusal(filter: string, reasonCode: number): void {
    if (this.refusalsLogged.has(filter)) return;
    this.refusalsLogged.add(filter);
    this.logger.warn(
      `The broker refused the subscription to ${filter} with ${formatReasonCode(reasonCode)}: nobody can ask this vessel there for changes again.`,
    );
  }
}
