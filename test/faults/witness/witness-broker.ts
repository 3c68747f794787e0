import type { IConnackPacket, IConnectPacket, IPublishPacket, IPubrelPacket, Packet } from 'mqtt-packet';
import type { ChangeEnvelope, GapEnvelope, StatusEnvelope } from '../../../src/mqtt-sync/wire/envelope.js';
import { type ScriptedConnection, ScriptedBroker } from '../../helpers/scripted-broker.js';
import type { Oracle } from '../oracle/oracle.js';

const PACKET_ID_NOT_FOUND = 0x92;

/**
 * A step of an exchange: `publish` and `pubrel` have arrived and were not yet looked at; `passed_on` and `released` come
 * before the answer to them.
 */
export type Step = 'publish' | 'passed_on' | 'pubrel' | 'released';

/** A PUBLISH of the system under test as the broker sees it. */
export interface Witnessed {
  readonly packet: IPublishPacket;
  readonly envelope: ChangeEnvelope | GapEnvelope | StatusEnvelope;
  /** 1 for the first connection that the broker accepted. */
  readonly connection: number;
  readonly peer: ScriptedConnection;
  readonly atMs: number;
}

/** `cut` resets the connection, `close` ends it politely, `silence` leaves the packet without an answer. */
export type Mischief = 'cut' | 'close' | 'silence';

/** What the broker does; everything absent is obedient. */
export interface WitnessScript {
  /** What happens at a step. */
  at?: (step: Step, witnessed: Witnessed) => Mischief | undefined;
  /** Reason code of PUBACK and PUBREC; a message that is refused is not passed on. @default 0 */
  verdict?: (witnessed: Witnessed) => number;
  /** Reason code of PUBCOMP. @default 0 */
  release?: (witnessed: Witnessed) => number;
  /** Whether the session of the connection before is still there. @default true */
  keepsSession?: (connection: number) => boolean;
  /** What the CONNACK says beside that. */
  connack?: Partial<IConnackPacket>;
  /** Speaks MQTT 3.1.1 only. */
  only311?: boolean;
  /** Sends every answer byte by byte. */
  trickles?: boolean;
}

/**
 * A broker and the shore in one: it keeps a session as MQTT says, tells an oracle of every change that it would pass on
 * to subscribers, at the moment when it would, and misbehaves where its script says.
 */
export class WitnessBroker {
  /** Every PUBLISH that arrived, status and gaps included. */
  readonly witnessed: Witnessed[] = [];
  readonly pubrels: IPubrelPacket[] = [];
  /** Largest number of QoS 1 and 2 messages that waited for their last acknowledgement at one time. */
  mostUnacknowledged = 0;
  /** QoS 2 messages that were passed on and whose PUBREL has not come, by packet id: the session (section 4.3.3). */
  private session = new Map<number, Witnessed>();
  private sessionOutlives = false;
  private readonly unacknowledged = new Set<number>();
  private readonly silenced = new Set<ScriptedConnection>();

  private constructor(
    readonly broker: ScriptedBroker,
    private readonly oracle: Oracle,
    readonly script: WitnessScript,
  ) {}

  /** Starts a broker that ends with the test. */
  static async start(oracle: Oracle, script: WitnessScript = {}, port = 0): Promise<WitnessBroker> {
    const broker = await ScriptedBroker.start({}, port);
    const witness = new WitnessBroker(broker, oracle, script);
    broker.script = {
      trickles: script.trickles ?? false,
      connack: (connect, number) => {
        if (script.only311 && connect.protocolVersion === 5) return { reasonCode: 0x84 };
        return witness.connect(connect, number);
      },
      onPacket: (packet, peer) => witness.receive(packet, peer),
    };
    return witness;
  }

  get url(): string {
    return this.broker.url;
  }

  /** Every PUBLISH of one change, by its message id. */
  attemptsAt(messageId: string): readonly Witnessed[] {
    return this.witnessed.filter(({ envelope }) => envelope.messageId === messageId);
  }

  private connect({ clean = false, protocolVersion }: IConnectPacket, number: number): Partial<IConnackPacket> {
    const isKept = !clean && this.sessionOutlives && (this.script.keepsSession?.(number) ?? true);
    if (!isKept) this.session = new Map();
    // On 3.1.1 a clean session ends with its connection [MQTT-3.1.2-6].
    this.sessionOutlives = !clean || protocolVersion === 5;
    this.unacknowledged.clear();
    return { ...this.script.connack, sessionPresent: isKept };
  }

  private receive(packet: Packet, peer: ScriptedConnection): boolean {
    // What arrived in one piece with the packet that we hung up on.
    if (this.silenced.has(peer)) return true;
    if (packet.cmd === 'publish') this.receivePublish(packet, peer);
    else if (packet.cmd === 'pubrel') this.receivePubrel(packet, peer);
    else return false;
    return true;
  }

  private receivePublish(packet: IPublishPacket, peer: ScriptedConnection): void {
    const envelope = JSON.parse(packet.payload.toString()) as Witnessed['envelope'];
    const witnessed = { packet, envelope, connection: peer.number, peer, atMs: performance.now() };
    const { qos, messageId = 0 } = packet;
    this.witnessed.push(witnessed);
    if (qos > 0) this.unacknowledged.add(messageId);
    this.mostUnacknowledged = Math.max(this.mostUnacknowledged, this.unacknowledged.size);
    if (this.misbehaves('publish', witnessed)) return;
    const reasonCode = this.script.verdict?.(witnessed) ?? 0;
    const isRepeat = qos === 2 && this.session.has(messageId);
    if (reasonCode < 0x80 && !isRepeat) this.passOn(witnessed);
    if (this.misbehaves('passed_on', witnessed) || qos === 0) return;
    if (qos === 1 || reasonCode >= 0x80) this.unacknowledged.delete(messageId);
    peer.send({ cmd: qos === 2 ? 'pubrec' : 'puback', messageId, reasonCode });
  }

  private passOn(witnessed: Witnessed): void {
    const { packet, envelope } = witnessed;
    if (packet.qos === 2) this.session.set(packet.messageId!, witnessed);
    if (envelope.type === 'data_change') this.oracle.arrived({ ...envelope, qos: packet.qos });
    if (envelope.type === 'gap') this.oracle.gap(envelope.entity, envelope.data.ranges);
  }

  private receivePubrel(packet: IPubrelPacket, peer: ScriptedConnection): void {
    const messageId = packet.messageId!;
    const witnessed = this.session.get(messageId);
    this.pubrels.push(packet);
    if (witnessed && this.misbehaves('pubrel', { ...witnessed, peer })) return;
    this.session.delete(messageId);
    if (witnessed && this.misbehaves('released', { ...witnessed, peer })) return;
    this.unacknowledged.delete(messageId);
    const reasonCode = witnessed ? (this.script.release?.(witnessed) ?? 0) : PACKET_ID_NOT_FOUND;
    peer.send({ cmd: 'pubcomp', messageId, reasonCode });
  }

  private misbehaves(step: Step, witnessed: Witnessed): boolean {
    const mischief = this.script.at?.(step, witnessed);
    if (mischief === undefined) return false;
    if (mischief === 'silence') return true;
    this.silenced.add(witnessed.peer);
    if (mischief === 'cut') witnessed.peer.cut();
    else witnessed.peer.close();
    return true;
  }
}
