import { connect, type Socket } from 'node:net';
import { generate, type IConnectPacket, type IPublishPacket, type Packet, parser } from 'mqtt-packet';

const RECONNECT_MS = 50;
const MQTT_5 = { protocolVersion: 5 };

/** What to listen to. */
export interface ListenerOptions {
  readonly url: string;
  readonly clientId: string;
  readonly topics: readonly string[];
  readonly qos: 0 | 1 | 2;
}

/**
 * A subscriber that is done with a packet as soon as its bytes are read. A client library keeps packets in buffers of
 * its own, and what is in those is gone when a broker that is killed resets the connection; that loss would be the
 * listener's, and look like the system's.
 */
export class Listener {
  /** Whether the broker has granted the subscription on this connection. */
  isListening = false;
  private socket: Socket | undefined;
  private isStopped = false;
  private packetId = 0;
  /** QoS 2 messages whose PUBREL has not come. */
  private readonly unreleased = new Set<number>();

  constructor(
    private readonly options: ListenerOptions,
    private readonly received: (packet: IPublishPacket) => void,
  ) {
    this.connect();
  }

  /** Publishes at QoS 1, once. */
  publish(topic: string, payload: string): void {
    this.send({ cmd: 'publish', topic, payload, qos: 1, messageId: this.nextId(), dup: false, retain: false });
  }

  stop(): void {
    this.isStopped = true;
    this.socket?.destroy();
  }

  private connect(): void {
    const { hostname, port, username, password } = new URL(this.options.url);
    const socket = connect(Number(port), hostname).setNoDelay(true);
    this.socket = socket;
    const packets = parser(MQTT_5);
    packets.on('packet', (packet) => this.receive(packet));
    packets.on('error', () => socket.destroy());
    socket.on('connect', () => this.send(this.connectPacket(username, password)));
    socket.on('data', (bytes) => packets.parse(bytes));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isListening = false;
      if (!this.isStopped) setTimeout(() => this.isStopped || this.connect(), RECONNECT_MS);
    });
  }

  private connectPacket(username: string, password: string): IConnectPacket {
    const { clientId } = this.options;
    return {
      ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clientId, clean: false, keepalive: 0 },
      properties: { sessionExpiryInterval: 86_400 },
      ...(username !== '' && { username, password: Buffer.from(decodeURIComponent(password)) }),
    };
  }

  private receive(packet: Packet): void {
    if (packet.cmd === 'connack') this.connected(packet.reasonCode ?? 0, packet.sessionPresent);
    else if (packet.cmd === 'suback') this.isListening = packet.granted.every((code) => Number(code) < 0x80);
    else if (packet.cmd === 'publish') this.receivePublish(packet);
    else if (packet.cmd === 'pubrel') {
      this.unreleased.delete(packet.messageId!);
      this.send({ cmd: 'pubcomp', messageId: packet.messageId! });
    }
  }

  private connected(reasonCode: number, sessionPresent: boolean): void {
    if (reasonCode !== 0) return void this.socket?.destroy();
    if (!sessionPresent) this.unreleased.clear();
    const { topics, qos } = this.options;
    // Always, in case the broker has lost its memory; retained messages are not wanted.
    const subscriptions = topics.map((topic) => ({ topic, qos, rh: 2 as const, nl: false, rap: false }));
    this.send({ cmd: 'subscribe', messageId: this.nextId(), subscriptions });
  }

  private receivePublish(packet: IPublishPacket): void {
    const { qos, messageId } = packet;
    const isRepeat = qos === 2 && this.unreleased.has(messageId!);
    if (!isRepeat) this.received(packet);
    if (qos === 2) this.unreleased.add(messageId!);
    if (qos > 0) this.send({ cmd: qos === 2 ? 'pubrec' : 'puback', messageId: messageId! });
  }

  private send(packet: Packet): void {
    if (this.socket && !this.socket.destroyed) this.socket.write(generate(packet, MQTT_5));
  }

  private nextId(): number {
    this.packetId = (this.packetId % 65_535) + 1;
    return this.packetId;
  }
}
