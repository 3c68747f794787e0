import { formatReasonCode } from '../connection/failure-text.js';
import type { Link, LinkLoss } from '../connection/link.js';
import { describeMessage, type QueuedMessage } from '../queue/message.js';
import type { SyncLogger } from '../logger.js';
import type { DeadLetterReason } from '../queue/reasons.js';
import type { SyncQueue } from '../queue/sync-queue.js';
import type { SyncEvents } from '../sync-events.js';
import type { Clock } from '../time/clock.js';
import type { ControlOutcome, DeliverySession, Exchange } from './delivery-session.js';
import type { OrderGuard } from './order-guard.js';
import { isPassingRefusal, isRefusal, PACKET_ID_NOT_FOUND } from './reason-codes.js';
import type { RefusalPauses } from './refusal-pauses.js';
import type { Suspects } from './suspects.js';

/** What deciding needs. */
export interface SettlementParts {
  readonly queue: SyncQueue;
  readonly events: Pick<SyncEvents, 'emit'>;
  readonly clock: Clock;
  readonly logger: SyncLogger;
}

/** What the publisher remembers of messages that are on the way. */
export interface DeliveryState {
  readonly session: DeliverySession;
  readonly order: OrderGuard;
  readonly pauses: RefusalPauses;
  readonly suspects: Suspects;
}

/** Decides what becomes of a message that was sent: delivered, sent again, or set aside. */
export class Settlement {
  constructor(
    private readonly parts: SettlementParts,
    private readonly state: DeliveryState,
  ) {}

  /** The broker has answered. */
  settle({ message, control, qos, wasReleased }: Exchange, reasonCode: number): void {
    if (control) {
      this.state.suspects.controlAcknowledged();
      control.settled(outcomeOf(reasonCode));
    }
    if (!message) return;
    this.state.order.settle(message);
    this.state.suspects.acknowledged(message);
    if (!isRefusal(reasonCode)) return this.delivered(message);
    if (qos === 2 && reasonCode === PACKET_ID_NOT_FOUND) {
      // No error during recovery: only the PUBCOMP of the earlier PUBREL was lost (MQTT 5, section 3.7.2.1).
      if (wasReleased) return this.delivered(message);
      // The broker has forgotten the exchange, so it is not known whether it passed the message on.
      this.state.session.historyOf(message.position).mayHaveArrived = true;
      return this.refusedInPassing(message, reasonCode);
    }
    if (isPassingRefusal(reasonCode)) return this.refusedInPassing(message, reasonCode);
    this.setAside(message, 'refused', reasonCode);
  }

  /** A message is through. */
  delivered(message: QueuedMessage): void {
    const { queue, clock, events } = this.parts;
    const { possibleDuplicate } = this.state.session.historyOf(message.position);
    this.forget(message);
    queue.remove([message]);
    // The wall clock may have been set back since the message was accepted.
    const latencyMs = Math.max(0, clock.wallMs() - message.acceptedAtMs);
    events.emit('message_published', Object.assign(describeMessage(message), { latencyMs, possibleDuplicate }));
  }

  private refusedInPassing(message: QueuedMessage, reasonCode: number): void {
    this.parts.events.emit('publish_failed', { cause: 'refused', entity: message.entity, code: undefined });
    if (this.state.pauses.admits(message.entity)) {
      this.parts.logger.warn(
        `The broker refused message ${message.messageId} with ${formatReasonCode(reasonCode)}; ` +
          `"${message.entity}" pauses until it is through.`,
        { messageId: message.messageId, entity: message.entity, sequence: message.sequence, reasonCode },
      );
    }
    this.state.pauses.refused(message, reasonCode);
    this.putBack(message);
  }

  /**
   * Makes one message wait again, and with it what is held behind it. What the broker has for sure not got is as good as never
   * sent: it may be dropped, and does not count for what may be unsettled, or a paused type would stop all the others.
   */
  private putBack(message: QueuedMessage): void {
    const { session, pauses } = this.state;
    if (session.historyOf(message.position).mayHaveArrived) session.putBack(message);
    else {
      pauses.forgotten(message, session.attemptsOf(message.position));
      session.forget(message);
    }
    this.giveBack([message, ...this.state.order.withdraw(message.entity)]);
  }

  /** Back to the queue: what was sent stays safe from being dropped, what was only taken waits as if it never had been. */
  private giveBack(messages: readonly QueuedMessage[]): void {
    const { queue } = this.parts;
    const wasSent = ({ position }: QueuedMessage) => this.state.session.attemptsOf(position) > 0;
    queue.putBack(messages.filter(wasSent));
    queue.untake(messages.filter((message) => !wasSent(message)));
  }

  /** A message cannot be sent at all: too large for the broker, or without an encoding. */
  unsendable(message: QueuedMessage, reason: 'too_large_for_broker' | 'cannot_be_encoded'): void {
    this.state.order.settle(message);
    this.setAside(message, reason, undefined);
  }

  private setAside(message: QueuedMessage, reason: DeadLetterReason, reasonCode: number | undefined): void {
    const attempts = this.attemptsOf(message);
    this.forget(message);
    this.parts.events.emit('publish_failed', { cause: 'refused', entity: message.entity, code: undefined });
    this.parts.queue.setAside(message, { reason, reasonCode, attempts });
  }

  private attemptsOf(message: QueuedMessage): number {
    return this.state.session.attemptsOf(message.position) + this.state.pauses.forgottenOf(message);
  }

  private forget(message: QueuedMessage): void {
    this.state.session.forget(message);
    this.state.suspects.forget(message.position);
    this.state.pauses.settled(message);
  }

  /** All packet ids are in use: the message waits for one to come free. */
  takeBack(message: QueuedMessage): void {
    this.state.order.settle(message);
    this.giveBack([message, ...this.state.order.withdraw(message.entity)]);
    if (this.state.session.attemptsOf(message.position) === 0) this.state.session.forget(message);
    else this.state.session.putBack(message);
  }

  /** The link is gone: what was on the way goes back to the queue, but for a message that the broker hung up on. */
  linkLost(unfinished: readonly Exchange[], loss: LinkLoss, { isSubscribing }: Pick<Link, 'isSubscribing'>): void {
    const { events, queue } = this.parts;
    const messages = unfinished.flatMap(({ message }) => message ?? []);
    const guilty = this.findGuilty(unfinished, messages, loss, isSubscribing);
    for (const message of messages) {
      events.emit('publish_failed', { cause: 'connection_lost', entity: message.entity, code: undefined });
      if (message !== guilty)
        events.emit('message_queued', Object.assign(describeMessage(message), { reason: 'connection_lost' as const }));
    }
    const held = this.state.order.clear();
    this.giveBack([...messages.filter((message) => message !== guilty), ...held]);
    if (!guilty) return;
    const attempts = this.attemptsOf(guilty);
    this.forget(guilty);
    queue.setAside(guilty, { reason: 'broker_hangs_up', reasonCode: loss.reasonCode, attempts });
  }

  private findGuilty(
    unfinished: readonly Exchange[],
    messages: readonly QueuedMessage[],
    loss: LinkLoss,
    isSubscribing: boolean,
  ) {
    const [first] = unfinished;
    const sinceSentMs = first ? this.parts.clock.monotonicMs() - first.sent.sentAtMs : 0;
    // When one of the service's own messages is the oldest, no message is to blame.
    const suspected = first?.message ? messages : [];
    const isAlone = unfinished.length === 1 && !this.state.session.hasUnansweredQos0 && !isSubscribing;
    return this.state.suspects.lost(suspected, loss, { sinceSentMs, isAlone }) === 'guilty' ? messages[0] : undefined;
  }
}

function outcomeOf(reasonCode: number): ControlOutcome {
  if (!isRefusal(reasonCode)) return 'acknowledged';
  return isPassingRefusal(reasonCode) ? 'refused_in_passing' : 'refused';
}
