import { type LookupFunction, Socket } from 'node:net';
import type { IConnackPacket, IDisconnectPacket, IPublishPacket, MqttClient, Packet } from 'mqtt';
import type { CancelTimer, Clock } from '../time/clock.js';
import { AcknowledgementReader } from './acknowledgement-reader.js';
import { brokerLimits, refusalOf, remarks, type Refusal } from './connack.js';
import { failureText, reasonCodeText } from './failure-text.js';
import type { IncomingPublish } from './incoming-link.js';
import { disarm, faultOf, withhold } from './incoming-packets.js';
import type { Acknowledgement, LinkLoss } from './link.js';
import { createClient, type DialRequest } from './mqtt-client.js';
import { MqttLink } from './mqtt-link.js';
import type { NameLookup } from './name-lookup.js';
import { readSecrets, type Secrets } from './secrets.js';
import { findingOf, isEmpty, type SessionFinding } from './session-choice.js';

/** How one connection attempt, or the connection it led to, ended. */
export interface ConnectionEnd extends LinkLoss {
  /** A CONNACK said no. */
  readonly refusal: Refusal | undefined;
  /** The broker accepted, and we left again because of its memory of us. */
  readonly session: SessionFinding | undefined;
  /** The broker was reached and hung up without a CONNACK. */
  readonly withoutAWord: boolean;
  /** The other end closed as TCP does it politely, where a broken network resets. */
  readonly closedInOrder: boolean;
}

/** What a connection tells the manager. `ended` comes exactly once, and nothing after it. */
export interface ConnectionListener {
  linked(link: MqttLink): void;
  acknowledged(link: MqttLink, acknowledgement: Acknowledgement): void;
  drained(link: MqttLink): void;
  /** Whoever has it takes every PUBLISH, and acknowledges it; without it MQTT.js does. */
  received?(link: MqttLink, publish: IncomingPublish): void;
  ended(end: ConnectionEnd): void;
}

const NO_SECRETS: Secrets = {
  username: undefined,
  password: undefined,
  ca: undefined,
  cert: undefined,
  key: undefined,
};

/** DISCONNECT of MQTT 3.1.1 (section 3.14). */
const DISCONNECT_311 = Buffer.of(0xe0, 0);

/** An application may subscribe to many. */
const NAMED_FILTERS = 3;

/** Errors of a socket that the other end closed. */
const PEER_ERRORS: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE']);

/** From dialling to close: one TCP connection, one MQTT.js client, at most one link. */
export class BrokerConnection {
  private client: MqttClient | undefined;
  private currentLink: MqttLink | undefined;
  private secrets = NO_SECRETS;
  private cancelDeadline: CancelTimer = () => {};
  private readonly ending = new AbortController();
  private isLookingUp = false;
  private isEnding = false;
  private hasEnded = false;
  private transportIsUp: boolean;
  private connackReceived = false;
  private refusal: Refusal | undefined;
  private finding: SessionFinding | undefined;
  private readonly acknowledgements = new AcknowledgementReader();
  private disconnect: IDisconnectPacket | undefined;
  private error: Error | undefined;
  private peerClosed = false;
  private localReason: string | undefined;
  private whenEnded: (() => void)[] = [];

  constructor(
    private readonly request: DialRequest,
    private readonly names: NameLookup,
    private readonly clock: Clock,
    private readonly listener: ConnectionListener,
  ) {
    // A WebSocket has no event for it, and reports an error when its handshake fails.
    this.transportIsUp = request.address.path !== undefined;
  }

  get link(): MqttLink | undefined {
    return this.currentLink;
  }

  /** Dials; the CONNACK has to come within `connectTimeoutMs`. */
  open(): void {
    const { connectTimeoutMs } = this.request.options;
    this.cancelDeadline = this.clock.after(connectTimeoutMs, () => {
      const missing = this.isLookingUp ? `address for ${this.request.address.host}` : 'CONNACK from the broker';
      this.fail(new Error(`no ${missing} within ${connectTimeoutMs} ms`));
    });
    readSecrets(this.request.options, this.request.address).then(
      (secrets) => this.dial(secrets),
      (error: Error) => this.fail(error),
    );
  }

  /** Ends the connection at once; reported as `local`. */
  cut(reason: string): void {
    if (this.isEnding) return;
    this.localReason = reason;
    this.end();
  }

  /** Sends DISCONNECT if there is a link, and closes; resolves when closed, within `timeoutMs`. */
  close(timeoutMs: number): Promise<void> {
    if (this.hasEnded) return Promise.resolve();
    const closed = new Promise<void>((resolve) => this.whenEnded.push(resolve));
    const { client, currentLink } = this;
    this.localReason ??= 'stopped';
    if (!client || !currentLink || this.isEnding || timeoutMs <= 0) {
      this.end();
      return closed;
    }
    currentLink.flush();
    this.cancelDeadline = this.clock.after(timeoutMs, () => this.end());
    client.end(false, this.goodbye());
    return closed;
  }

  private goodbye() {
    const { protocol, identity } = this.request;
    if (protocol !== '5') return {};
    if (identity.session === 'lasting') return { reasonCode: 0 };
    // Session expiry 0 ends the session now (MQTT 5, section 3.14.2.2.2): the next process starts a new one anyway.
    return { reasonCode: 0, properties: { sessionExpiryInterval: 0 } };
  }

  private dial(secrets: Secrets): void {
    if (this.isEnding) return;
    this.secrets = secrets;
    try {
      this.client = createClient(this.request, secrets, { lookup: this.lookUp, failed: (error) => this.fail(error) });
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    this.watch(this.client);
  }

  private readonly lookUp: LookupFunction = (host, options, answer) => {
    this.isLookingUp = true;
    this.names.lookUp(host, options, this.ending.signal, (...answered) => {
      this.isLookingUp = false;
      answer(...answered);
    });
  };

  private watch(client: MqttClient): void {
    const { stream } = client;
    client.on('error', (error) => this.fail(error));
    client.on('packetreceive', (packet) => this.receive(client, packet));
    client.on('close', () => this.end());
    // Before the parser, which ends the connection on what is looked for.
    if (this.request.protocol === '5')
      stream.prependListener('data', (chunk: Buffer) => this.acknowledgements.read(chunk));
    stream.on('error', (error: Error) => this.fail(error));
    stream.on('end', () => {
      this.peerClosed = true;
      this.end();
    });
    const secure = this.request.options.tlsEnabled;
    stream.once(secure ? 'secureConnect' : 'connect', () => (this.transportIsUp = true));
    // TLS sockets are sockets too; the `ws` package does it for its own.
    if (stream instanceof Socket) stream.setNoDelay(true);
  }

  private receive(client: MqttClient, packet: Packet): void {
    const fault = faultOf(packet);
    if (fault !== undefined) this.fail(new Error(`malformed packet: ${fault}`));
    else if (!this.hasEnded) this.handle(client, packet);
    // What comes from a connection that is over must not set anything going.
    if (this.isEnding) withhold(packet);
  }

  private handle(client: MqttClient, packet: Packet): void {
    switch (packet.cmd) {
      case 'connack':
        return this.receiveConnack(client, packet);
      case 'disconnect':
        this.disconnect = packet;
        // MQTT.js would wait for the broker to close.
        return this.end();
      case 'puback':
      case 'pubrec':
      case 'pubcomp': {
        const { messageId: packetId, reasonCode = 0, cmd: type } = packet;
        if (!this.currentLink || packetId === undefined) return;
        return this.listener.acknowledged(this.currentLink, { type, packetId, reasonCode });
      }
      case 'publish':
        return this.receivePublish(packet);
    }
  }

  private receivePublish(packet: IPublishPacket): void {
    if (!this.currentLink || !this.listener.received) return;
    const { topic, payload, qos, retain, dup, messageId: packetId = 0 } = packet;
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    this.listener.received(this.currentLink, { topic, payload: bytes, qos, retain, dup, packetId });
    disarm(packet);
  }

  private receiveConnack(client: MqttClient, packet: IConnackPacket): void {
    // MQTT.js ends the connection on a second CONNACK [MQTT-3.2.0-2].
    if (this.connackReceived || this.isEnding) return;
    this.connackReceived = true;
    const { protocol, session } = this.request;
    this.refusal = refusalOf(packet, protocol);
    if (this.refusal) return this.end();
    this.finding = findingOf(session, packet.sessionPresent);
    if (this.finding) return this.leave(client);
    this.cancelDeadline();
    // A broker cannot resume what it was told to forget.
    const sessionPresent = packet.sessionPresent && !isEmpty(session);
    const link = new MqttLink(client, protocol, sessionPresent, brokerLimits(packet), {
      cut: (reason) => this.cut(reason),
      drained: () => this.listener.drained(link),
    });
    this.currentLink = link;
    this.listener.linked(link);
  }

  /** Says goodbye, so that the broker does not publish the will; it closes then, or the deadline of the attempt passes. */
  private leave(client: MqttClient): void {
    this.localReason ??= `left a session behind (${this.finding})`;
    client.stream.end(DISCONNECT_311);
  }

  /** The first error is the cause; the others are its echo. */
  private fail(error: Error): void {
    this.error ??= error;
    this.end();
  }

  /**
   * Closes the socket and reports the end when everything that had arrived has been handled: MQTT.js works through what
   * it parsed in ticks of its own, so that acknowledgements and the broker's reason can still follow the close.
   */
  private end(): void {
    if (this.isEnding) return;
    this.isEnding = true;
    this.cancelDeadline();
    this.ending.abort();
    this.client?.stream.destroy();
    setImmediate(() => this.finish());
  }

  private finish(): void {
    this.hasEnded = true;
    const { disallowed } = this.acknowledgements;
    // An answer all the same: what its code says decides what becomes of the message.
    if (this.currentLink && disallowed) this.listener.acknowledged(this.currentLink, disallowed);
    this.currentLink?.close();
    // end() does nothing when DISCONNECT was sent through it before; the stream is gone in either case.
    this.client?.end(true);
    this.listener.ended(this.withSubscriptions(this.describeEnd()));
    for (const resolve of this.whenEnded) resolve();
  }

  private describeEnd(): ConnectionEnd {
    const { refusal, finding: session, localReason, disconnect, error } = this;
    const errorFromPeer = PEER_ERRORS.has((error as NodeJS.ErrnoException | undefined)?.code);
    const byPeer = this.peerClosed || errorFromPeer;
    const withoutAWord = byPeer && this.transportIsUp && !this.connackReceived && localReason === undefined;
    const base = { refusal, session, withoutAWord, closedInOrder: this.peerClosed, reasonCode: undefined };
    if (localReason !== undefined) return { ...base, by: 'local', reason: localReason };
    if (disconnect) return { ...base, ...this.describeDisconnect(disconnect) };
    if (refusal) return { ...base, by: 'peer', reason: this.text(refusal.reason) };
    if (error) return { ...base, by: errorFromPeer ? 'peer' : 'network', reason: this.text(error) };
    const suffix = withoutAWord ? ' without an answer' : '';
    return { ...base, by: byPeer ? 'peer' : 'network', reason: `the broker closed the connection${suffix}` };
  }

  /** A broker may hang up where another one refuses a subscription. */
  private withSubscriptions(end: ConnectionEnd): ConnectionEnd {
    const isByBroker = end.by === 'peer' || end.by === 'server_disconnect';
    const filters = (isByBroker && this.currentLink?.pendingSubscriptions) || [];
    if (filters.length === 0) return end;
    const others = filters.length > NAMED_FILTERS ? ` and ${filters.length - NAMED_FILTERS} more` : '';
    const named = filters.slice(0, NAMED_FILTERS).join(', ');
    return { ...end, reason: `${end.reason}, while subscribing to ${named}${others}` };
  }

  private describeDisconnect({ reasonCode = 0, properties }: IDisconnectPacket): LinkLoss {
    const reason = `the broker disconnected us: ${reasonCodeText(reasonCode)}${remarks(properties)}`;
    return { by: 'server_disconnect', reason: this.text(reason), reasonCode };
  }

  private text(error: unknown): string {
    return failureText(error, [this.secrets.password]);
  }
}
