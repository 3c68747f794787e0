import type { IncomingLink, IncomingPublish } from '../../connection/incoming-link.js';
import { AnswerDesk, type DeskParts } from './answer-desk.js';
import type { RequestSubscription } from './request-subscription.js';

/** Answers requests for catch-up that come in on the publisher's connection. */
export class CatchUpAnswers {
  private readonly desk: AnswerDesk;

  constructor(
    private readonly parts: DeskParts,
    private readonly subscription: RequestSubscription,
  ) {
    this.desk = new AnswerDesk(parts);
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
    if (this.subscription.covers(publish.topic)) this.desk.received(publish.payload);
  }

  lost(): void {
    this.desk.disconnected();
    this.subscription.lost();
  }

  stop(): void {
    this.desk.stop();
  }
}
