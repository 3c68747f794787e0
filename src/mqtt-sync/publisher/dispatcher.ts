import type { ConnectionControl } from '../connection/connection-control.js';
import type { Acknowledgement, Link, LinkLoss, LinkObserver } from '../connection/link.js';
import type { SyncQueue } from '../queue/sync-queue.js';
import { AcknowledgementTimer } from './acknowledgement-timer.js';
import { BackgroundTraffic } from './background-traffic.js';
import { BrokerFit } from './broker-fit.js';
import { type ControlMessage, DeliverySession, type Exchange } from './delivery-session.js';
import { NextMessage } from './next-message.js';
import { OrderGuard } from './order-guard.js';
import { isRefusal } from './reason-codes.js';
import { ReceiveMaximumNotice } from './receive-maximum-notice.js';
import { type PausedType, RefusalPauses } from './refusal-pauses.js';
import { Sender } from './sender.js';
import { Settlement, type SettlementParts } from './settlement.js';
import { Suspects } from './suspects.js';
import { Window } from './window.js';

/** As many messages are sent in one turn of the event loop, so that a large window does not hold up everything else. */
const SENDS_PER_TURN = 256;

/** The window counts a QoS 2 message until PUBREC, so what waits for PUBCOMP has a bound of its own: it is in memory. */
const MOST_RELEASED_BYTES = 64 * 1024 * 1024;

/** A broker that never answers one message gets it again so often; the others must get on meanwhile. */
const CUT_FOR_ONE_EVERY_MS = 300_000;

/** What the dispatcher works with. */
export interface DispatcherParts extends SettlementParts {
  readonly connection: Pick<ConnectionControl, 'confirm'>;
  /** Most messages in flight. */
  readonly maxInFlight: number;
}

/**
 * Takes messages from the queue, sends them within the window, and removes them when the broker has acknowledged them.
 *
 * It fills the window whenever something changed (a message accepted, acknowledgements, a new link), once per turn of the
 * event loop: many acknowledgements lead to one write. When a link is lost, what was in flight goes back to the queue.
 */
export class Dispatcher implements LinkObserver {
  private link: Link | undefined;
  private fillScheduled = false;
  private isHolding = false;
  private lastCutForOneMs = -Infinity;
  private whenDrained: (() => void) | undefined;
  private readonly controls: ControlMessage[] = [];
  private readonly background = new BackgroundTraffic();
  private readonly session = new DeliverySession();
  private readonly order = new OrderGuard();
  private readonly window: Window;
  private readonly pauses: RefusalPauses;
  private readonly suspects: Suspects;
  private readonly fit: BrokerFit;
  private readonly receiveMaximumNotice: ReceiveMaximumNotice;
  private readonly nextMessage: NextMessage;
  private readonly settlement: Settlement;
  private readonly sender: Sender;
  private readonly timer: AcknowledgementTimer;

  constructor(private readonly parts: DispatcherParts) {
    const { clock, logger } = parts;
    this.window = new Window(clock);
    this.pauses = new RefusalPauses(
      clock,
      () => this.wake(),
      (entity) => holds(parts.queue, entity),
    );
    this.suspects = new Suspects(clock, logger, () => this.wake());
    this.fit = new BrokerFit(logger);
    this.receiveMaximumNotice = new ReceiveMaximumNotice(logger);
    const { session, order, pauses, suspects } = this;
    this.nextMessage = new NextMessage(parts.queue, { session, order, pauses }, parts.maxInFlight);
    this.settlement = new Settlement(parts, { session, order, pauses, suspects });
    this.timer = new AcknowledgementTimer(
      clock,
      () => this.overtakenSinceMs,
      (waitedMs, isOvertaken) => this.cutUnanswered(waitedMs, isOvertaken),
    );
    const { window, fit, settlement, timer } = this;
    this.sender = new Sender({ session, window, timer, fit, pauses, settlement, logger });
  }

  /** Messages sent and not yet acknowledged, the service's own included. */
  get inFlight(): number {
    return this.session.inFlight;
  }

  /** How many that may be; the broker may allow fewer. */
  get maxInFlight(): number {
    return this.parts.maxInFlight;
  }

  /** The entity types that the broker holds back. */
  get paused(): readonly PausedType[] {
    return this.pauses.view;
  }

  /** Whether a message on which the broker may hang up is being looked for. */
  get isProbing(): boolean {
    return this.suspects.probe !== undefined;
  }

  /** There may be something to send. */
  wake(): void {
    if (!this.link || this.fillScheduled) return;
    this.fillScheduled = true;
    setImmediate(() => {
      this.fillScheduled = false;
      this.fill();
    });
  }

  /** Sends one of the service's own messages (QoS 1), ahead of the queue; settles it as `not_sent` when not connected. */
  send(control: ControlMessage): void {
    if (!this.link) {
      control.settled('not_sent');
      return;
    }
    this.controls.push(control);
    this.wake();
  }

  /**
   * Sends one of the service's own messages (QoS 1) when the queue has nothing to send, and with a small part of the window
   * only; settles it as `not_sent` when not connected.
   */
  sendBehind(control: ControlMessage): void {
    if (!this.link) {
      control.settled('not_sent');
      return;
    }
    this.background.add(control);
    this.wake();
  }

  /** Resolves when the queue is empty and all is acknowledged, when the link is lost, or at once without a link. */
  async drain(): Promise<void> {
    if (!this.link || this.isIdle) return;
    await new Promise<void>((resolve) => (this.whenDrained = resolve));
  }

  /** Sends no more messages of the queue, only the service's own. */
  hold(): void {
    this.isHolding = true;
  }

  /** Ends the connection without a DISCONNECT, so that the broker publishes the will. */
  cut(reason: string): void {
    this.link?.cut(reason);
  }

  /** Stops timers; nothing is sent any more. */
  stop(): void {
    this.link = undefined;
    this.timer.stop();
    this.pauses.stop();
    this.suspects.stop();
    this.finishDrain();
  }

  linked(link: Link): void {
    this.session.linked(link.sessionPresent);
    this.window.reset();
    this.timer.qos0Through();
    this.fit.linked(link);
    this.suspects.linked();
    this.link = link;
    this.wake();
  }

  lost(link: Link, loss: LinkLoss): void {
    if (link !== this.link) return;
    this.link = undefined;
    this.timer.stop();
    this.pauses.disconnected();
    const unfinished = this.session.suspend();
    this.settlement.linkLost(unfinished, loss, link);
    for (const { control } of unfinished) control?.settled('lost');
    for (const control of this.controls.splice(0)) control.settled('not_sent');
    this.background.disconnected();
    this.finishDrain();
  }

  drained(link: Link): void {
    // No sign of life: what has left may lie in a buffer of this machine, whatever has become of the link.
    if (link === this.link) this.wake();
  }

  acknowledged(link: Link, acknowledgement: Acknowledgement): void {
    if (link !== this.link) return;
    const { type, packetId, reasonCode } = acknowledgement;
    const exchange = this.session.find(packetId);
    // One that nothing waits for: a repeat of the broker, or the end of an exchange that was resumed and then given up.
    if (!exchange || !this.isExpected(exchange, type)) return;
    this.session.answered(exchange);
    if (!this.session.hasUnansweredQos0) this.timer.qos0Through();
    this.timer.restart(this.window);
    // Of a QoS 2 message the link has carried all but a few bytes when PUBREC comes.
    if (exchange.phase === 'published') this.window.acked(exchange.sent);
    if (type === 'pubrec' && !isRefusal(reasonCode)) {
      this.session.release(exchange, this.parts.clock.monotonicMs());
      link.release(packetId);
      this.wake();
      return;
    }
    this.session.end(exchange);
    if (this.session.inFlight === 0) this.timer.stop();
    this.settlement.settle(exchange, reasonCode);
    this.parts.connection.confirm();
    this.wake();
    if (this.whenDrained && this.isIdle) this.finishDrain();
  }

  private get overtakenSinceMs(): number | undefined {
    const isDue = this.parts.clock.monotonicMs() - this.lastCutForOneMs >= CUT_FOR_ONE_EVERY_MS;
    return isDue ? this.session.overtakenSinceMs : undefined;
  }

  private cutUnanswered(waitedMs: number, isOvertaken: boolean): void {
    if (isOvertaken) this.lastCutForOneMs = this.parts.clock.monotonicMs();
    const which = isOvertaken ? ' of one message, though later ones have theirs,' : '';
    this.link?.cut(`no acknowledgement${which} for ${Math.round(waitedMs / 1000)} s`);
  }

  private get isIdle(): boolean {
    return this.session.inFlight === 0 && this.controls.length === 0 && this.parts.queue.stats().messages === 0;
  }

  private isExpected({ qos, phase }: Exchange, type: Acknowledgement['type']): boolean {
    if (qos === 1) return type === 'puback';
    return type === 'pubrec' ? phase === 'published' : type === 'pubcomp';
  }

  private fill(): void {
    const { link } = this;
    if (!link) return;
    let sent = 0;
    while (sent < SENDS_PER_TURN && this.link === link && this.sendNext(link)) sent++;
    if (this.link !== link) return;
    link.flush();
    if (this.session.inFlight > 0) this.timer.ensure(this.window);
    if (sent === SENDS_PER_TURN) this.wake();
    if (this.whenDrained && this.isIdle) this.finishDrain();
  }

  /** Sends one message; false when there is no room or nothing to send. */
  private sendNext(link: Link): boolean {
    const { probe } = this.suspects;
    const limit = Math.min(this.parts.maxInFlight, link.limits.receiveMaximum, probe?.limit ?? Infinity);
    if (!this.window.hasRoom || !this.fit.canAcknowledge) return false;
    if (this.session.releasedBytes >= MOST_RELEASED_BYTES) return false;
    if (this.session.inFlight >= limit) {
      if (!probe) this.window.limitedByCount();
      if (limit === link.limits.receiveMaximum && limit < this.parts.maxInFlight) this.noticeReceiveMaximum(limit);
      return false;
    }
    // What the socket has not taken is bounded too: QoS 0 is never in flight.
    if (link.bufferedBytes > this.window.limitBytes) return false;
    const control = this.controls.shift();
    if (control) return this.sendControl(link, control);
    const message = this.isHolding || probe?.isQuiet ? undefined : this.nextMessage.take(probe);
    if (message) return this.sender.send(link, message);
    const behind = this.isHolding || probe ? undefined : this.background.next(this.window.limitBytes, limit);
    return behind !== undefined && this.sendControl(link, behind);
  }

  private noticeReceiveMaximum(receiveMaximum: number): void {
    const { queue } = this.parts;
    const messages = () => queue.stats().messages;
    this.receiveMaximumNotice.limited({ receiveMaximum, roundTripMs: this.window.bestRoundTripMs, messages });
  }

  /** Answers whether more may be sent. */
  private sendControl(link: Link, control: ControlMessage): boolean {
    const isSent = this.sender.sendControl(link, control);
    if (!isSent) this.controls.unshift(control);
    return isSent;
  }

  private finishDrain(): void {
    this.whenDrained?.();
    this.whenDrained = undefined;
  }
}

/** Whether messages of an entity type are in the queue; true when that cannot be read just now. */
function holds(queue: Pick<SyncQueue, 'messages'>, entity: string): boolean {
  try {
    return !queue.messages({ entity })[Symbol.iterator]().next().done;
  } catch {
    return true;
  }
}
