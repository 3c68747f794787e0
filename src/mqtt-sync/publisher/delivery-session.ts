import type { QueuedMessage } from '../queue/message.js';
import type { Qos } from '../wire/entity-policies.js';
import { PacketIds } from './packet-ids.js';
import type { SentPacket } from './window.js';

/** A PUBLISH of the service's own traffic: status, gaps, catch-up. It is outside the queue. */
export interface ControlMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly retain: boolean;
  /** Called once. */
  readonly settled: (outcome: ControlOutcome) => void;
}

/**
 * What became of one: the broker took it, refused it for good or in passing (it may take the same later), or the connection
 * died, before its answer (`lost`) or before it was sent.
 */
export type ControlOutcome = 'acknowledged' | 'refused' | 'refused_in_passing' | 'lost' | 'not_sent';

/** How far a QoS 2 exchange has come: PUBLISH sent, or PUBREC received and PUBREL sent (MQTT 5, section 4.3.3). */
export type Phase = 'published' | 'released';

/** One PUBLISH on the way. */
export interface Exchange {
  readonly packetId: number;
  readonly qos: Exclude<Qos, 0>;
  /** What was sent: a message of the queue, or the service's own. */
  readonly message: QueuedMessage | undefined;
  readonly control: ControlMessage | undefined;
  readonly sent: SentPacket;
  /** An earlier connection of the session had already sent its PUBREL. */
  readonly wasReleased: boolean;
  phase: Phase;
  /** When that was sent which waits for its answer: PUBLISH, or PUBREL. */
  askedAtMs: number;
}

/** What is known of a message that was sent and is not through. */
export interface SendHistory {
  attempts: number;
  /** The packet id that the broker's session knows it by; undefined when there is none to resume. */
  packetId: number | undefined;
  /** The QoS that the session knows the exchange of that packet id by. */
  qos: Exclude<Qos, 0> | undefined;
  phase: Phase;
  /** An attempt ended without an answer, so the broker may have it. */
  mayHaveArrived: boolean;
  /** It was sent again although the broker may have it. */
  possibleDuplicate: boolean;
  /** It is back in the queue, waiting to be sent again. */
  isBack: boolean;
}

/**
 * The publisher's part of an MQTT session (MQTT 5, section 4.1): what is in flight, by packet id, and what earlier
 * connections of the session left unfinished, so that it can be resumed with the same packet ids [MQTT-4.4.0-1].
 */
export class DeliverySession {
  private readonly packetIds = new PacketIds();
  private readonly exchanges = new Map<number, Exchange>();
  private released = 0;
  /** When the newest PUBLISH, by QoS, and the newest PUBREL were sent that have their answer; on this connection. */
  private readonly answeredUpToMs = { 1: -Infinity, 2: -Infinity, released: -Infinity };
  private sentQos0 = false;
  private firstAfterQos0: Exchange | undefined;
  private readonly histories = new Map<number, SendHistory>();
  /** How many messages of an entity type were sent and are back in the queue. */
  private readonly back = new Map<string, number>();

  /** Whether a broker that hangs up may mean a message of QoS 0: nothing that was sent after it is answered yet. */
  get hasUnansweredQos0(): boolean {
    return this.sentQos0;
  }

  /** A message of QoS 0 was sent: it is in nobody's flight. */
  noteQos0(): void {
    this.sentQos0 = true;
    this.firstAfterQos0 = undefined;
  }

  /**
   * When the oldest PUBLISH or PUBREL was sent that has no answer although a later one of its kind has: most brokers answer
   * those in order. Undefined when there is none. Looks at everything in flight.
   */
  get overtakenSinceMs(): number | undefined {
    for (const exchange of this.exchanges.values()) {
      if (exchange.askedAtMs < this.answeredUpToMs[kindOf(exchange)]) return exchange.askedAtMs;
    }
    return undefined;
  }

  /** How many exchanges are in flight. */
  get inFlight(): number {
    return this.exchanges.size;
  }

  /** Bytes of the messages in flight that wait for PUBCOMP only. */
  get releasedBytes(): number {
    return this.released;
  }

  /** What was known of a message before this attempt; creates the record of the first one. */
  historyOf(position: number): SendHistory {
    let history = this.histories.get(position);
    if (!history) {
      history = {
        attempts: 0,
        packetId: undefined,
        qos: undefined,
        phase: 'published',
        mayHaveArrived: false,
        possibleDuplicate: false,
        isBack: false,
      };
      this.histories.set(position, history);
    }
    return history;
  }

  /** Messages that were sent and are not through, on their way or back in the queue: none of them can be dropped. */
  get unsettled(): number {
    return this.histories.size;
  }

  /** How many messages of the entity type were sent and are back in the queue. */
  backOf(entity: string): number {
    return this.back.get(entity) ?? 0;
  }

  /** A message that was sent goes back to the queue. */
  putBack({ position, entity }: QueuedMessage): void {
    const history = this.historyOf(position);
    if (history.isBack) return;
    history.isBack = true;
    this.back.set(entity, (this.back.get(entity) ?? 0) + 1);
  }

  /** A message is taken out of the queue to be sent, for the first time or again. */
  takeOut({ position, entity }: QueuedMessage): SendHistory {
    const history = this.historyOf(position);
    if (!history.isBack) return history;
    history.isBack = false;
    const left = (this.back.get(entity) ?? 1) - 1;
    if (left > 0) this.back.set(entity, left);
    else this.back.delete(entity);
    return history;
  }

  attemptsOf(position: number): number {
    return this.histories.get(position)?.attempts ?? 0;
  }

  /** A packet id for a new exchange; undefined when all 65,535 are in use. */
  allocate(): number | undefined {
    return this.packetIds.allocate();
  }

  /** Nothing was sent under the id after all. */
  giveBack(packetId: number): void {
    this.packetIds.free(packetId);
  }

  begin(exchange: Exchange): void {
    this.exchanges.set(exchange.packetId, exchange);
    if (this.sentQos0) this.firstAfterQos0 ??= exchange;
    if (exchange.phase === 'released') this.released += bytesOf(exchange);
  }

  /** What was asked of the broker has its answer: PUBACK, PUBREC or PUBCOMP. */
  answered(exchange: Exchange): void {
    const kind = kindOf(exchange);
    this.answeredUpToMs[kind] = Math.max(this.answeredUpToMs[kind], exchange.askedAtMs);
    if (exchange === this.firstAfterQos0) this.sentQos0 = false;
  }

  /** PUBREC has come, and PUBREL goes out. */
  release(exchange: Exchange, nowMs: number): void {
    exchange.phase = 'released';
    exchange.askedAtMs = nowMs;
    this.released += bytesOf(exchange);
  }

  find(packetId: number): Exchange | undefined {
    return this.exchanges.get(packetId);
  }

  /** The exchange is over, well or ill; its packet id is free. */
  end(exchange: Exchange): void {
    this.exchanges.delete(exchange.packetId);
    if (exchange.phase === 'released') this.released -= bytesOf(exchange);
    this.packetIds.free(exchange.packetId);
    if (exchange.message) {
      const history = this.histories.get(exchange.message.position);
      if (history) history.packetId = undefined;
    }
  }

  /** Forgets a message that is through or set aside. */
  forget(message: QueuedMessage): void {
    if (this.histories.has(message.position)) this.takeOut(message);
    this.histories.delete(message.position);
  }

  /**
   * The connection is gone: gives back what was in flight, in the order of sending. Messages keep their packet ids, in
   * case the broker resumes the session; the service's own traffic is stale by then and gives them up.
   */
  suspend(): Exchange[] {
    const unfinished = [...this.exchanges.values()];
    this.exchanges.clear();
    this.released = 0;
    for (const { message, packetId, qos, phase } of unfinished) {
      if (!message) {
        this.packetIds.free(packetId);
        continue;
      }
      const history = this.historyOf(message.position);
      history.packetId = packetId;
      history.qos = qos;
      history.phase = phase;
      history.mayHaveArrived = true;
      this.putBack(message);
    }
    return unfinished;
  }

  /** A connection is up; a broker without a session of ours can resume nothing. */
  linked(sessionPresent: boolean): void {
    this.answeredUpToMs[1] = this.answeredUpToMs[2] = this.answeredUpToMs.released = -Infinity;
    this.sentQos0 = false;
    if (!sessionPresent) this.reset();
  }

  private reset(): void {
    this.packetIds.clear();
    for (const history of this.histories.values()) {
      history.packetId = undefined;
      history.phase = 'published';
    }
  }
}

const bytesOf = ({ message }: Exchange): number => message?.payload.length ?? 0;

const kindOf = ({ phase, qos }: Exchange): 1 | 2 | 'released' => (phase === 'released' ? phase : qos);
