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
  /** Whether the session at the broker has the subscription. */
  private isGranted = false;
  private isAsked = false;
  private isPending = false;
  private refusalLogged = false;

  constructor(
    private readonly filter: string,
    clock: Clock,
    private readonly logger: SyncLogger,
  ) {
    this.guard = new AnnouncementGuard(clock, (connections) =>
      logger.warn(`The connection was lost ${connections} times while subscribing to ${filter}.`),
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
    const { link, filter } = this;
    if (!link || this.isAsked || !this.guard.admits) return;
    this.isAsked = true;
    this.isPending = true;
    void link.subscribe([{ filter, qos: 1 }]).then(([reasonCode = 0x80]) => {
      if (link !== this.link) return;
      this.isPending = false;
      this.guard.settled('acknowledged');
      this.isGranted = !isRefusal(reasonCode);
      if (this.isGranted || this.refusalLogged) return;
      this.refusalLogged = true;
      this.logger.warn(
        `The broker refused the subscription to ${filter} with ${formatReasonCode(reasonCode)}: nobody can ask this vessel for changes again.`,
      );
    });
  }

  lost(): void {
    if (this.isPending) this.guard.settled('lost');
    this.link = undefined;
  }
}
