import { type ConnectionControl } from '../connection/connection-manager.js';
import { type Acknowledgement, type Link, type LinkLoss, type LinkObserver } from '../connection/link.js';
import { type SyncLogger } from '../logger.js';
import { describeMessage, type QueuedMessage } from '../queue/message.js';
import { type SyncQueue } from '../queue/sync-queue.js';
import { type SyncEvents } from '../sync-events.js';
import { type Clock } from '../time/clock.js';
import { AcknowledgementTimer } from './acknowledgement-timer.js';
import { BrokerFit } from './broker-fit.js';
import { type ControlMessage, DeliverySession, type Exchange } from './delivery-session.js';
import { LaneSchedule } from './lane-schedule.js';
import { OrderGuard } from './order-guard.js';
import { formatReasonCode, isPassingRefusal, isRefusal, PACKET_ID_NOT_FOUND } from './reason-codes.js';
import { RefusalPauses } from './refusal-pauses.js';
import { Suspects } from './suspects.js';
import { Window } from './window.js';

/** As many messages are sent in one turn of the event loop, so that a large window does not hold up everything else. */
const SENDS_PER_TURN = 256;

/** What the dispatcher works with. */
export interface DispatcherParts {
  readonly queue: SyncQueue;
  readonly connection: Pick<ConnectionControl, 'confirm'>;
  readonly events: Pick<SyncEvents, 'emit'>;
  readonly clock: Clock;
  readonly logger: SyncLogger;
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
  private whenDrained: (() => void) | undefined;
  private readonly controls: ControlMessage[] = [];
  private readonly session = new DeliverySession();
  private readonly lanes = new LaneSchedule();
  private readonly order = new OrderGuard();
  private readonly window: Window;
  private readonly pauses: RefusalPauses;
  private readonly suspects: Suspects;
  private readonly fit: BrokerFit;
  private readonly timer: AcknowledgementTimer;

  constructor(private readonly parts: DispatcherParts) {
    const { clock, logger } = parts;
    this.window = new Window(clock);
    this.pauses = new RefusalPauses(clock, () => this.wake());
    this.suspects = new Suspects(logger);
    this.fit = new BrokerFit(logger);
    this.timer = new AcknowledgementTimer(clock, (waitedMs) =>
      this.link?.cut(`no acknowledgement for ${Math.round(waitedMs / 1000)} s`),
    );
  }

  /** Messages sent and not yet acknowledged, the service's own included. */
  get inFlight(): number {
    return this.session.inFlight;
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

  /** Sends one of the service's own messages (QoS 1), ahead of the queue; settles it as `lost` when not connected. */
  send(control: ControlMessage): void {
    if (!this.link) {
      control.settled('lost');
      return;
    }
    this.controls.push(control);
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
    this.finishDrain();
  }

  linked(link: Link): void {
    if (!link.sessionPresent) this.session.reset();
    this.window.reset();
    this.fit.linked(link);
    this.link = link;
    this.wake();
  }

  lost(link: Link, loss: LinkLoss): void {
    if (link !== this.link) return;
    this.link = undefined;
    this.timer.stop();
    this.pauses.disconnected();
    const unfinished = this.session.suspend();
    const messages = unfinished.flatMap(({ message }) => message ?? []);
    const guilty = this.findGuilty(unfinished, messages, loss);
    this.giveBack(messages, guilty);
    const unsent = this.controls.splice(0);
    for (const control of [...unfinished.flatMap((exchange) => exchange.control ?? []), ...unsent])
      control.settled('lost');
    this.finishDrain();
  }

  drained(link: Link): void {
    if (link !== this.link) return;
    if (this.session.inFlight > 0) this.timer.restart(this.unacknowledged);
    this.wake();
  }

  acknowledged(link: Link, acknowledgement: Acknowledgement): void {
    if (link !== this.link) return;
    const { type, packetId, reasonCode } = acknowledgement;
    const exchange = this.session.find(packetId);
    // One that nothing waits for: a repeat of the broker, or the end of an exchange that was resumed and then given up.
    if (!exchange || !this.isExpected(exchange, type)) return;
    this.timer.restart(this.unacknowledged);
    if (type === 'pubrec' && !isRefusal(reasonCode)) {
      exchange.phase = 'released';
      link.release(packetId);
      this.wake();
      return;
    }
    this.session.end(exchange);
    this.window.acked(exchange.sent);
    if (this.session.inFlight === 0) this.timer.stop();
    this.settle(exchange, reasonCode);
    this.parts.connection.confirm();
    this.wake();
    if (this.whenDrained && this.isIdle) this.finishDrain();
  }

  private get isIdle(): boolean {
    return this.session.inFlight === 0 && this.controls.length === 0 && this.parts.queue.stats().messages === 0;
  }

  private get unacknowledged() {
    return { bytes: this.window.unackedBytes, bytesPerSecond: this.window.bytesPerSecond };
  }

  private isExpected({ qos, phase }: Exchange, type: Acknowledgement['type']): boolean {
    if (qos === 1) return type === 'puback';
    return type === 'pubrec' ? phase === 'published' : type === 'pubcomp';
  }

  // ---- sending

  private fill(): void {
    const { link } = this;
    if (!link) return;
    let sent = 0;
    while (sent < SENDS_PER_TURN && this.link === link && this.sendNext(link)) sent++;
    if (this.link !== link) return;
    if (sent > 0) link.flush();
    if (this.session.inFlight > 0) this.timer.ensure(this.unacknowledged);
    if (sent === SENDS_PER_TURN) this.wake();
    if (this.whenDrained && this.isIdle) this.finishDrain();
  }

  /** Sends one message; false when there is no room or nothing to send. */
  private sendNext(link: Link): boolean {
    const { probe } = this.suspects;
    const limit = Math.min(this.parts.maxInFlight, link.limits.receiveMaximum, probe?.limit ?? Infinity);
    if (this.session.inFlight >= limit || !this.window.hasRoom || !this.fit.canAcknowledge) return false;
    // What the socket has not taken is bounded too: QoS 0 is never in flight.
    if (link.bufferedBytes > this.window.limitBytes) return false;
    const control = this.controls.shift();
    if (control) {
      this.sendControl(link, control);
      return true;
    }
    const message = this.isHolding ? undefined : this.next(probe?.suspect);
    if (!message) return false;
    this.sendMessage(link, message);
    return true;
  }

  private next(suspect: QueuedMessage | undefined): QueuedMessage | undefined {
    for (;;) {
      const released = this.order.release();
      if (released) return released;
      const taken = suspect ? this.takeOf(suspect) : this.takeAny();
      if (!taken || this.order.admit(taken)) return taken;
    }
  }

  /** The suspect is the oldest of its entity type, so taking from that type gives it, or what goes before it. */
  private takeOf({ lane, entity }: QueuedMessage): QueuedMessage | undefined {
    return this.parts.queue.take(lane, Infinity, (candidate) => candidate === entity && this.admits(candidate));
  }

  private takeAny(): QueuedMessage | undefined {
    for (const lane of this.lanes.order()) {
      const message = this.parts.queue.take(lane, Infinity, (entity) => this.admits(entity));
      if (message) {
        this.lanes.served(lane);
        return message;
      }
    }
    return undefined;
  }

  private admits(entity: string): boolean {
    return this.pauses.admits(entity) && this.order.hasRoom(entity);
  }

  private sendMessage(link: Link, message: QueuedMessage): void {
    const { topic, payload, position } = message;
    const history = this.session.historyOf(position);
    const { qos, retain } = this.fit.adapt(message);
    const resumes = history.packetId !== undefined;
    const packetId = qos === 0 ? 0 : (history.packetId ?? this.session.allocate());
    if (packetId === undefined) return this.takeBack(message);
    const packet = { topic, payload, qos, retain, dup: resumes, packetId };
    const bytes = link.packetBytes(packet);
    if (bytes > link.limits.maximumPacketSize) {
      return this.reject(message, 'too_large_for_broker', undefined);
    }
    this.pauses.sending(message);
    // A QoS 2 exchange that is resumed is not a duplicate: the packet id tells the broker (MQTT 5, section 4.3.3).
    if (history.attempts > 0 && !(resumes && qos === 2)) history.possibleDuplicate = true;
    history.attempts++;
    if (resumes && history.phase === 'released') link.release(packetId);
    else link.publish(packet);
    if (qos === 0) return this.delivered(message);
    const sent = this.window.sent(bytes);
    this.session.begin({
      packetId,
      qos,
      message,
      control: undefined,
      sent,
      phase: resumes ? history.phase : 'published',
    });
  }

  /** All packet ids are in use: the message waits for one to come free. */
  private takeBack(message: QueuedMessage): void {
    this.order.settle(message);
    this.putBack(message);
  }

  private sendControl(link: Link, control: ControlMessage): void {
    const packetId = this.session.allocate();
    if (packetId === undefined) return void this.controls.unshift(control);
    const { topic, payload, retain } = control;
    const packet = {
      topic,
      payload,
      qos: 1 as const,
      retain: retain && link.limits.retainAvailable,
      dup: false,
      packetId,
    };
    const sent = this.window.sent(link.packetBytes(packet));
    link.publish(packet);
    this.session.begin({ packetId, qos: 1, message: undefined, control, sent, phase: 'published' });
  }

  // ---- what becomes of it

  private settle({ message, control, qos }: Exchange, reasonCode: number): void {
    if (control) {
      this.suspects.controlAcknowledged();
      control.settled(isRefusal(reasonCode) ? 'refused' : 'acknowledged');
    }
    if (!message) return;
    this.order.settle(message);
    this.suspects.acknowledged(message);
    if (!isRefusal(reasonCode)) return this.delivered(message);
    if (qos === 2 && reasonCode === PACKET_ID_NOT_FOUND) {
      // The broker has forgotten the exchange, so it is not known whether it passed the message on.
      return this.putBack(message);
    }
    if (isPassingRefusal(reasonCode)) return this.refusedInPassing(message, reasonCode);
    this.reject(message, 'refused', reasonCode);
  }

  private delivered(message: QueuedMessage): void {
    const { queue, clock, events } = this.parts;
    const { possibleDuplicate } = this.session.historyOf(message.position);
    this.forget(message);
    queue.remove([message]);
    // The wall clock may have been set back since the message was accepted.
    const latencyMs = Math.max(0, clock.wallMs() - message.acceptedAtMs);
    events.emit('message_published', { ...describeMessage(message), latencyMs, possibleDuplicate });
  }

  private refusedInPassing(message: QueuedMessage, reasonCode: number): void {
    this.parts.events.emit('publish_failed', { cause: 'refused', entity: message.entity, code: undefined });
    if (this.pauses.admits(message.entity)) {
      this.parts.logger.warn(
        `The broker refused message ${message.messageId} with ${formatReasonCode(reasonCode)}; ` +
          `"${message.entity}" pauses until it is through.`,
      );
    }
    this.pauses.refused(message);
    this.putBack(message);
  }

  /** Makes one message wait again, and with it what is held behind it. */
  private putBack(message: QueuedMessage): void {
    this.parts.queue.putBack([message, ...this.order.withdraw(message.entity)]);
  }

  /** Sets a message aside for good. */
  private reject(message: QueuedMessage, reason: string, reasonCode: number | undefined): void {
    const attempts = this.session.attemptsOf(message.position);
    this.order.settle(message);
    this.forget(message);
    this.parts.events.emit('publish_failed', { cause: 'refused', entity: message.entity, code: undefined });
    this.parts.queue.setAside(message, { reason, reasonCode, attempts });
  }

  private forget(message: QueuedMessage): void {
    this.session.forget(message.position);
    this.suspects.forget(message.position);
    this.pauses.settled(message);
  }

  private findGuilty(unfinished: readonly Exchange[], messages: readonly QueuedMessage[], loss: LinkLoss) {
    // When one of the service's own messages is the oldest, no message is to blame.
    if (!unfinished[0]?.message) return undefined;
    return this.suspects.lost(messages, loss) === 'guilty' ? messages[0] : undefined;
  }

  private giveBack(messages: readonly QueuedMessage[], guilty: QueuedMessage | undefined): void {
    const { events, queue } = this.parts;
    for (const message of messages) {
      events.emit('publish_failed', { cause: 'connection_lost', entity: message.entity, code: undefined });
      if (message !== guilty) events.emit('message_queued', { ...describeMessage(message), reason: 'connection_lost' });
    }
    const held = this.order.clear();
    queue.putBack([...messages.filter((message) => message !== guilty), ...held]);
    if (!guilty) return;
    const attempts = this.session.attemptsOf(guilty.position);
    this.forget(guilty);
    queue.setAside(guilty, { reason: 'broker_hangs_up', reasonCode: undefined, attempts });
  }

  private finishDrain(): void {
    this.whenDrained?.();
    this.whenDrained = undefined;
  }
}
