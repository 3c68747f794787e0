import { createServer, type Socket } from 'node:net';
import {
  generate,
  parser,
  type IConnackPacket,
  type IConnectPacket,
  type ISubscribePacket,
  type Packet,
} from 'mqtt-packet';
import { onTestFinished } from 'vitest';
import { listen } from './ports.js';
import { until } from './wait.js';
import { reset } from './sockets.js';
import { Trickle } from './trickle.js';

/** A packet as the broker received it. */
export interface ReceivedPacket {
  /** 1 for the first connection that this broker accepted. */
  readonly connection: number;
  readonly packet: Packet;
}

/** What the broker does; everything has an obedient default. */
export interface BrokerScript {
  /** Answers a CONNECT; `undefined` leaves it unanswered, `'close'` hangs up without a word. */
  connack?: (connect: IConnectPacket, connection: number) => Partial<IConnackPacket> | 'close' | undefined;
  /** Called for every packet after CONNECT; returns true if it took care of the answer itself. */
  onPacket?: (packet: Packet, connection: ScriptedConnection) => boolean | undefined;
  /** Reason code for PUBACK and PUBREC; `'withhold'` sends none. @default 0 */
  ack?: (packet: Packet, connection: number) => number | 'withhold';
  /** Sends everything byte by byte. */
  trickles?: boolean;
}

/** One client's connection as the broker sees it. */
export class ScriptedConnection {
  protocolVersion: 4 | 5 = 5;
  isOpen = true;
  private readonly trickle: Trickle | undefined;

  constructor(
    readonly number: number,
    readonly socket: Socket,
    trickles = false,
  ) {
    if (trickles) this.trickle = new Trickle(socket);
  }

  /** Sends a packet; does nothing once the socket is gone. */
  send(packet: Packet): void {
    this.sendBytes(generate(packet, { protocolVersion: this.protocolVersion }));
  }

  /** Grants what a SUBSCRIBE asks for. */
  grant({ messageId, subscriptions }: ISubscribePacket): void {
    if (messageId !== undefined) this.send({ cmd: 'suback', messageId, granted: subscriptions.map(({ qos }) => qos) });
  }

  /** Sends bytes as they are, e.g. malformed ones. */
  sendBytes(bytes: Buffer): void {
    if (this.socket.destroyed) return;
    if (this.trickle) this.trickle.send(bytes);
    else this.socket.write(bytes);
  }

  /** Resets the connection. */
  cut(): void {
    reset(this.socket);
  }

  /** Closes the connection as TCP does it politely. */
  close(): void {
    this.socket.end();
  }
}

/** An MQTT broker that does what the test says, on a port of its own, and remembers everything it was sent. */
export class ScriptedBroker {
  readonly received: ReceivedPacket[] = [];
  readonly connections: ScriptedConnection[] = [];
  private readonly server = createServer((socket) => this.accept(socket));
  private currentPort = 0;

  private constructor(public script: BrokerScript) {}

  /** Starts a broker that ends with the test. */
  static async start(script: BrokerScript = {}, port?: number): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker(script);
    broker.currentPort = await listen(broker.server, port);
    onTestFinished(() => broker.stop());
    return broker;
  }

  get port(): number {
    return this.currentPort;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.currentPort}`;
  }

  /** The newest connection. */
  get last(): ScriptedConnection {
    const last = this.connections.at(-1);
    if (!last) throw new Error('No client has connected yet');
    return last;
  }

  /** Packets of one kind in the order of arrival. */
  packets<Command extends Packet['cmd']>(cmd: Command): Extract<Packet, { cmd: Command }>[] {
    const all = this.received.map(({ packet }) => packet);
    return all.filter((packet): packet is Extract<Packet, { cmd: Command }> => packet.cmd === cmd);
  }

  /** Waits until so many packets of a kind have arrived, and returns them. */
  async waitFor<Command extends Packet['cmd']>(
    cmd: Command,
    count = 1,
    deadlineMs?: number,
  ): Promise<Extract<Packet, { cmd: Command }>[]> {
    await until(() => this.packets(cmd).length >= count, {
      ...(deadlineMs !== undefined && { deadlineMs }),
      what: () =>
        `${count} ${cmd} at the scripted broker; it received ${this.received.map((r) => r.packet.cmd).join()}`,
    });
    return this.packets(cmd);
  }

  /** Ends every connection and listens no more. */
  async stop(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(socket: Socket): void {
    const connection = new ScriptedConnection(this.connections.length + 1, socket, this.script.trickles);
    this.connections.push(connection);
    // The parser reads its settings anew for each packet; CONNECT says itself which version it is.
    const settings: { protocolVersion: 4 | 5 } = { protocolVersion: 4 };
    const packets = parser(settings);
    const receive = (packet: Packet): void => {
      this.received.push({ connection: connection.number, packet });
      if (packet.cmd === 'connect') {
        connection.protocolVersion = packet.protocolVersion === 5 ? 5 : 4;
        settings.protocolVersion = connection.protocolVersion;
      }
      this.answer(packet, connection);
    };
    packets.on('packet', receive);
    packets.on('error', () => connection.cut());
    socket.on('data', (chunk) => packets.parse(chunk));
    socket.on('error', () => {});
    socket.on('close', () => (connection.isOpen = false));
  }

  private answer(packet: Packet, connection: ScriptedConnection): void {
    if (packet.cmd === 'connect') return this.answerConnect(packet, connection);
    if (this.script.onPacket?.(packet, connection)) return;
    if (packet.cmd === 'pingreq') return connection.send({ cmd: 'pingresp' });
    if (packet.cmd === 'disconnect') return connection.close();
    if (packet.cmd === 'subscribe') return connection.grant(packet);
    const expectsAck = (packet.cmd === 'publish' && packet.qos > 0) || packet.cmd === 'pubrel';
    const reasonCode = expectsAck ? (this.script.ack?.(packet, connection.number) ?? 0) : 'withhold';
    if (reasonCode === 'withhold' || packet.messageId === undefined) return;
    const cmd =
      packet.cmd === 'pubrel' ? 'pubcomp' : packet.cmd === 'publish' && packet.qos === 2 ? 'pubrec' : 'puback';
    connection.send({ cmd, messageId: packet.messageId, reasonCode });
  }

  private answerConnect(packet: IConnectPacket, connection: ScriptedConnection): void {
    const answer = this.script.connack ? this.script.connack(packet, connection.number) : {};
    if (answer === undefined) return;
    if (answer === 'close') return connection.close();
    const { reasonCode = answer.returnCode ?? 0, ...rest } = answer;
    connection.send({ cmd: 'connack', sessionPresent: false, ...rest, reasonCode, returnCode: reasonCode });
    if (reasonCode !== 0) connection.close();
  }
}
