import { type IncomingLink, type IncomingPublish } from '../../connection/incoming-link.js';
import { matchesFilter } from '../../wire/topic-filter.js';
import { AnswerDesk, type DeskParts } from './answer-desk.js';
import { RequestSubscription } from './request-subscription.js';

/** Answers requests for catch-up that come in on the publisher's connection. */
export class CatchUpAnswers {
  private readonly desk: AnswerDesk;
  private readonly subscription: RequestSubscription;

  constructor(
    private readonly parts: DeskParts,
    /** The topic filters that requests come in on. */
    private readonly filters: readonly string[],
  ) {
    this.desk = new AnswerDesk(parts);
    this.subscription = new RequestSubscription(filters, parts.clock, parts.logger);
  }

  linked(link: IncomingLink): void {
    this.subscription.linked(link);
    this.desk.connected();
  }

  /** The broker has acknowledged something on the link. */
  proven(): void {
    // Called for every acknowledgement there is.
    if (!this.subscription.isDue) return;
    const { history, sources } = this.parts;
    // A vessel that keeps nothing, and has no source, has no answers.
    if (history.keeps || !sources.isEmpty) this.subscription.proven();
  }

  received(link: IncomingLink, publish: IncomingPublish): void {
    link.acknowledge(publish);
    link.flush();
    if (this.filters.some((filter) => matchesFilter(filter, publish.topic))) this.desk.received(publish.payload);
  }

  lost(): void {
    this.desk.disconnected();
    this.subscription.lost();
  }

  stop(): void {
    this.desk.stop();
  }
}
