import type { MqttClient } from 'mqtt';
import type { MqttProtocol } from './connection-options.js';
import type { Acknowledgeable, IncomingLink, SubscriptionRequest } from './incoming-link.js';
import type { BrokerLimits, Link, OutgoingPublish } from './link.js';
import { PacketBatch } from './packet-batch.js';
import { ReadingGate } from './reading-gate.js';
import { subscribe, unsubscribe } from './subscribing.js';
import { TopicAliases, type WrittenTopic } from './topic-aliases.js';

/** What a link needs of the connection that it belongs to. */
export interface LinkHost {
  /** Ends the connection; the loss is reported as `local`. */
  cut(reason: string): void;
  /** Everything written has left for the operating system. */
  drained(): void;
}

/** What a request asks to receive; nothing when it ends subscriptions. */
interface RequestedFilters {
  readonly wanted: readonly string[];
}

/** Joining more than this gains nothing over the copy it costs; about what a socket takes in one write. */
const JOIN_UP_TO_BYTES = 64 * 1024;

/** An identifier and two bytes (MQTT 5, section 3.3.2.3.4). */
const TOPIC_ALIAS_BYTES = 3;

/** Bytes of a variable byte integer (MQTT 5, section 1.5.5). */
function variableByteLength(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  return value < 2_097_152 ? 3 : 4;
}

/**
 * A link over one MQTT.js client. PUBLISH and PUBREL go straight to the client's stream: MQTT.js keeps a store and an id
 * table of its own for what passes through its `publish()`, sets no DUP and cannot resume QoS 2. It ignores
 * acknowledgements of ids that it did not hand out. So do our acknowledgements of what arrives: MQTT.js would send one
 * when the parser has passed the message on, and wait for it.
 */
export class MqttLink implements Link, IncomingLink {
  private readonly batch: PacketBatch;
  private readonly aliases: TopicAliases;
  private readonly gate = new ReadingGate();
  private closed = false;
  /** Each SUBSCRIBE and UNSUBSCRIBE without an answer. */
  private readonly unanswered = new Set<RequestedFilters>();

  constructor(
    private readonly client: MqttClient,
    readonly protocol: MqttProtocol,
    readonly sessionPresent: boolean,
    readonly limits: BrokerLimits,
    private readonly host: LinkHost,
  ) {
    this.batch = new PacketBatch(protocol);
    this.aliases = new TopicAliases(limits.topicAliasMaximum);
    client.handleMessage = (_packet, callback) => this.gate.pass(() => callback());
  }

  get bufferedBytes(): number {
    return this.closed ? 0 : this.batch.bytes + this.client.stream.writableLength;
  }

  packetBytes(packet: OutgoingPublish): number {
    return this.bytesOf(packet, this.writtenAs(packet));
  }

  /** The number that a topic carries for the first time must not be what makes the packet too large for the broker. */
  private writtenAs(packet: OutgoingPublish): WrittenTopic {
    const { topic } = packet;
    const written = this.aliases.write(topic);
    const isNew = written.alias !== undefined && written.topic !== '';
    const fits = !isNew || this.bytesOf(packet, written) <= this.limits.maximumPacketSize;
    return fits ? written : { topic, alias: undefined };
  }

  private bytesOf({ payload, qos }: OutgoingPublish, written: WrittenTopic): number {
    const packetId = qos === 0 ? 0 : 2;
    const propertyLength = this.protocol === '5' ? 1 + (written.alias === undefined ? 0 : TOPIC_ALIAS_BYTES) : 0;
    const remaining = 2 + Buffer.byteLength(written.topic) + packetId + propertyLength + payload.length;
    return 1 + variableByteLength(remaining) + remaining;
  }

  publish(packet: OutgoingPublish): void {
    if (this.closed) return;
    const { topic, payload, qos, retain, dup, packetId } = packet;
    const written = this.writtenAs(packet);
    const { alias } = written;
    const properties = alias === undefined ? {} : { properties: { topicAlias: alias } };
    this.batch.add({
      cmd: 'publish',
      topic: written.topic,
      payload,
      qos,
      retain,
      dup,
      messageId: packetId,
      ...properties,
    });
    this.aliases.written(topic, written);
    if (this.batch.bytes >= JOIN_UP_TO_BYTES) this.flush();
  }

  release(packetId: number): void {
    if (this.closed) return;
    this.batch.add({ cmd: 'pubrel', messageId: packetId, reasonCode: 0 });
  }

  acknowledge({ qos, packetId }: Acknowledgeable): void {
    if (this.closed || qos === 0) return;
    this.batch.add({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId: packetId, reasonCode: 0 });
  }

  get isSubscribing(): boolean {
    return this.unanswered.size > 0;
  }

  /** The filters that are being subscribed to: what a broker that hangs up may mean. */
  get pendingSubscriptions(): readonly string[] {
    return [...this.unanswered].flatMap(({ wanted }) => wanted);
  }

  subscribe(requests: readonly SubscriptionRequest[]): Promise<readonly number[]> {
    const wanted = requests.map(({ filter }) => filter);
    return this.untilAnswered({ wanted }, subscribe(this.client, requests));
  }

  unsubscribe(filters: readonly string[]): Promise<void> {
    return this.untilAnswered({ wanted: [] }, unsubscribe(this.client, filters));
  }

  pause(): void {
    this.gate.close();
  }

  resume(): void {
    this.gate.open();
  }

  flush(): void {
    const bytes = this.closed ? undefined : this.batch.take();
    const { stream } = this.client;
    if (bytes === undefined || !stream.writable) return;
    stream.write(bytes, (error) => {
      if (!error && !this.closed && this.bufferedBytes === 0) this.host.drained();
    });
  }

  cut(reason: string): void {
    if (!this.closed) this.host.cut(reason);
  }

  /** Without an answer the request stays one, also when the link is lost: that is when it is asked for. */
  private async untilAnswered<Answer>(request: RequestedFilters, answer: Promise<Answer>): Promise<Answer> {
    this.unanswered.add(request);
    const answered = await answer;
    this.unanswered.delete(request);
    return answered;
  }

  /** The connection is gone: from now on writes vanish. */
  close(): void {
    this.closed = true;
    this.batch.take();
  }
}
