import type { IncomingLink, IncomingPublish } from '../connection/incoming-link.js';
import { failureText } from '../connection/failure-text.js';
import type { SyncLogger } from '../logger.js';
import type { SyncEvents } from '../sync-events.js';
import {
  bareChange,
  decodeChange,
  type IncomingMessage,
  isUnknownEnvelope,
  isUnreadable,
} from '../wire/decode-change.js';
import type { InboundTopics } from '../wire/inbound-topics.js';
import type { IncomingChange } from '../wire/incoming-change.js';
import { AcknowledgementLine } from './acknowledgement-line.js';
import type { ChangeHandling } from './change-handling.js';
import { describeChange } from './handled-change.js';
import { HeldChanges } from './held-changes.js';
import type { Inbox } from './inbox/inbox.js';
import { namesOf } from './inbox/names.js';
import type { InboxWriter } from './inbox-writer.js';
import { maxIncomingBytes, type ReceiverOptions } from './incoming-options.js';
import { KeyLines } from './key-lines.js';
import { TopicRoutes } from './topic-routes.js';
import type { UnclaimedMessages } from './unclaimed-messages.js';
import type { ServiceListener, ServiceListeners } from './service-listeners.js';

/** What the intake works with. */
export interface IntakeParts {
  readonly options: ReceiverOptions;
  readonly vesselId: string;
  readonly topics: InboundTopics;
  readonly listeners: ServiceListeners;
  readonly handling: ChangeHandling;
  readonly inbox: Inbox;
  readonly writer: InboxWriter;
  readonly unclaimed: UnclaimedMessages;
  readonly events: Pick<SyncEvents, 'emit'>;
  readonly logger: SyncLogger;
}

/**
 * As many messages are read in one go. A socket that always has more would else be read for hundreds of milliseconds, and
 * nothing be recorded, acknowledged, or done by the rest of the process meanwhile.
 */
const MESSAGES_PER_TURN = 128;

/**
 * Takes what arrives, finds out what it is, and hands it on, in order per key. It never waits for a handler: what bounds the
 * memory is the Receive Maximum and, for what that does not count, no longer reading.
 */
export class Intake {
  private readonly lines: KeyLines;
  private readonly held: HeldChanges;
  private readonly routes: TopicRoutes;
  private link: IncomingLink | undefined;
  private line: AcknowledgementLine | undefined;
  private isClosed = false;
  private foreignLogged = false;
  private readInTurn = 0;

  constructor(private readonly parts: IntakeParts) {
    this.lines = new KeyLines((error) =>
      parts.logger.error(`A message is not acknowledged, because handling it went wrong: ${failureText(error)}`),
    );
    this.routes = new TopicRoutes(parts.topics, parts.listeners);
    this.held = new HeldChanges(parts.options.incoming.maxBytes, () => this.link?.resume());
  }

  /** Messages of the connection at hand that are not acknowledged yet. */
  get unacknowledged(): number {
    return this.line?.length ?? 0;
  }

  /** Bytes of messages in memory. */
  get heldBytes(): number {
    return this.held.heldBytes;
  }

  /** Whether anything is read just now. */
  get isReading(): boolean {
    return !this.held.isFull;
  }

  linked(link: IncomingLink): void {
    this.link = link;
    this.line = new AcknowledgementLine(link);
    if (this.held.isFull) link.pause();
  }

  lost(): void {
    this.line?.close();
    this.line = undefined;
    this.link = undefined;
  }

  /** Takes nothing from now on; the broker keeps what is not acknowledged. */
  close(): void {
    this.isClosed = true;
  }

  /** Sends every acknowledgement that is due. */
  flush(): void {
    this.line?.flush();
  }

  received(publish: IncomingPublish): void {
    if (this.isClosed || !this.line) return;
    if (++this.readInTurn >= MESSAGES_PER_TURN) this.yieldTurn();
    const acknowledge = this.line.add(publish);
    const { topic, payload, qos, retain: retained } = publish;
    const message: IncomingMessage = { topic, payload, qos, retained };
    const { listeners: interested, use, isForeign } = this.routes.of(topic);
    if (isForeign) return this.ignore(topic, acknowledge);
    if (interested.length > 0) return this.serve(message, interested, acknowledge);
    if (use === 'changes') return this.take(message, acknowledge);
    if (use === undefined) this.parts.unclaimed.add(topic, undefined);
    acknowledge();
  }

  /** Puts a task behind everything that is under way for the key of a change. */
  inLine(change: IncomingChange, task: () => Promise<void>): void {
    this.lines.add(namesOf(change).key, task);
  }

  /** Reads on when everything else has had its turn. */
  private yieldTurn(): void {
    const { link } = this;
    this.readInTurn = 0;
    link?.pause();
    setImmediate(() => {
      if (!this.held.isFull) link?.resume();
    });
  }

  private take(message: IncomingMessage, acknowledge: () => void): void {
    const { options, vesselId, topics, events, handling } = this.parts;
    const change = decodeChange(message, maxIncomingBytes(options));
    if (isUnreadable(change)) return this.park(message, 'not_parsable', change.fault, acknowledge);
    if (isUnknownEnvelope(change)) {
      events.emit('change_unclaimed', { topic: message.topic, entity: undefined });
      return acknowledge();
    }
    const contradiction = topics.contradiction(change);
    if (contradiction !== undefined) return this.park(message, 'topic_mismatch', contradiction, acknowledge);
    if (change.vesselId === vesselId) {
      events.emit('change_echoed', describeChange(change));
      return acknowledge();
    }
    const held = this.held.hold(change, acknowledge);
    if (!held) return events.emit('change_repeated', describeChange(change));
    if (this.held.isFull) this.link?.pause();
    // Changes of one key keep their order; those without a key, of one vessel and entity type.
    this.lines.add(held.names.key, () => handling.handle(change, held));
  }

  /** Nobody can read it, or may believe it; it must not come again and again, nor be entered as anybody's change. */
  private park(
    message: IncomingMessage,
    reason: 'not_parsable' | 'topic_mismatch',
    fault: string,
    acknowledge: () => void,
  ): void {
    const { inbox, writer, events, logger, options } = this.parts;
    const payload = message.payload.subarray(0, maxIncomingBytes(options));
    const verdict = { reason, error: fault, attempts: 0 };
    const release = this.held.holdUnreadable(message.payload.length);
    if (this.held.isFull) this.link?.pause();
    void writer
      .write(() => inbox.park({ ...message, payload, identity: undefined, ...verdict }))
      .then((parked) => {
        if (!parked) return;
        release();
        events.emit('change_parked', { ...describeChange({ ...bareChange(message), data: undefined }), ...verdict });
        logger.error(`Parked a message on ${message.topic}: ${reason}, ${fault}`);
        acknowledge();
      });
  }

  /** A vessel speaks of another one on a topic of its own. */
  private ignore(topic: string, acknowledge: () => void): void {
    if (!this.foreignLogged)
      this.parts.logger.warn(
        `A message on ${topic} speaks of another vessel than that of its topic, and is ignored, as are further ones.`,
      );
    this.foreignLogged = true;
    acknowledge();
  }

  private serve(message: IncomingMessage, listeners: readonly ServiceListener[], acknowledge: () => void): void {
    let left = listeners.length;
    for (const listener of listeners) {
      this.lines.add(`\0${listener.filter(this.parts.topics)}`, async () => {
        const done = await this.parts.writer.write(() => listener.receive(message));
        if (done && --left === 0) acknowledge();
      });
    }
  }
}
