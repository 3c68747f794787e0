import { onTestFinished } from 'vitest';
import { ConnectionManager } from '../../src/mqtt-sync/connection/connection-manager.js';
import { unannounced } from '../../src/mqtt-sync/connection/connection-options.js';
import type { MqttSyncOptions } from '../../src/mqtt-sync/mqtt-sync.options.js';
import { resolveOptions } from '../../src/mqtt-sync/resolve-options.js';
import { Receiver } from '../../src/mqtt-sync/subscriber/receiver.js';
import { SyncEvents, type SyncEventMap } from '../../src/mqtt-sync/sync-events.js';
import { type Clock, systemClock } from '../../src/mqtt-sync/time/clock.js';
import type { ChangeEnvelope } from '../../src/mqtt-sync/wire/envelope.js';
import { RecordingLogger } from './connection.js';
import { type BrokerScript, ScriptedBroker, type ScriptedConnection } from './scripted-broker.js';
import { SmallInbox } from './small-inbox.js';
import { until } from './wait.js';

/** An envelope of the ship mv-ship; its message id follows from its sequence unless given. */
export function envelope(sequence: number, fields: Partial<ChangeEnvelope> = {}): ChangeEnvelope {
  return {
    type: 'data_change',
    entity: 'work_orders',
    operation: 'update',
    key: 'WO-1',
    messageId: `m${sequence}`,
    vesselId: 'mv-ship',
    timestamp: '2026-01-01T00:00:00.000Z',
    epoch: 1,
    sequence,
    data: { sequence },
    ...fields,
  };
}

/** What a receiver needs beside its options. */
export interface ReceiverSceneOptions extends MqttSyncOptions {
  readonly clock?: Clock;
  readonly store?: SmallInbox;
}

const INCOMING_EVENTS = [
  'change_handled',
  'change_failed',
  'change_parked',
  'change_repeated',
  'change_echoed',
  'change_unclaimed',
] as const;

/** A receiver on a real socket, and the broker that it talks to. */
export class ReceiverScene {
  readonly receiver: Receiver;
  readonly inbox: SmallInbox;
  readonly logger = new RecordingLogger();
  /** Names of the events, in order. */
  readonly events: string[] = [];
  readonly syncEvents: SyncEvents;

  private constructor(
    readonly broker: ScriptedBroker,
    { clock = systemClock, store = new SmallInbox(), ...options }: ReceiverSceneOptions,
  ) {
    this.inbox = store;
    this.syncEvents = new SyncEvents(this.logger);
    for (const name of INCOMING_EVENTS) this.syncEvents.on(name, () => this.events.push(name));
    const resolved = resolveOptions({ brokerUrl: broker.url, vesselId: 'shore', ...options });
    this.receiver = new Receiver({
      options: resolved,
      connection: new ConnectionManager(resolved, clock, unannounced, this.logger, () => 0),
      inbox: store,
      events: this.syncEvents,
      clock,
      logger: this.logger,
      random: () => 1,
    });
  }

  /** Sets the scene with a broker that grants every subscription; the receiver is stopped at the end of the test. */
  static async set(options: ReceiverSceneOptions = {}, script: BrokerScript = {}): Promise<ReceiverScene> {
    const broker = await ScriptedBroker.start({ ...script, onPacket: obliging(script.onPacket) });
    const scene = new ReceiverScene(broker, options);
    onTestFinished(() => scene.receiver.stop(0));
    return scene;
  }

  /** Starts, and waits until everything is subscribed. */
  async start(): Promise<ScriptedConnection> {
    this.receiver.start('shore');
    await this.broker.waitFor('subscribe');
    await until(() => this.receiver.activeSubscriptions > 0, { what: 'a granted subscription' });
    return this.broker.last;
  }

  /** Sends a change at QoS 1, or what else is given as the payload. */
  send(
    packetId: number,
    payload: ChangeEnvelope | string | Buffer,
    options: { topic?: string; dup?: boolean; qos?: 0 | 1 | 2 } = {},
  ): void {
    const { topic = 'vessel/sync/work_orders', dup = false, qos = 1 } = options;
    const bytes = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
    this.broker.last.send({
      cmd: 'publish',
      topic,
      payload: bytes,
      qos,
      dup,
      retain: false,
      ...(qos > 0 && { messageId: packetId }),
    });
  }

  /** Packet ids acknowledged so far, in order. */
  get acknowledged(): readonly (number | undefined)[] {
    return this.broker.packets('puback').map(({ messageId }) => messageId);
  }

  /** Waits until exactly these packet ids were acknowledged, in this order. */
  async hasAcknowledged(...packetIds: number[]): Promise<void> {
    await until(() => this.acknowledged.length >= packetIds.length, {
      what: () => `acknowledgements of ${packetIds.join()}; so far: ${this.acknowledged.join()}; ${this.story()}`,
    });
  }

  /** Waits for events of a name. */
  async emitted(name: keyof SyncEventMap, count = 1): Promise<void> {
    const seen = () => this.events.filter((event) => event === name).length;
    await until(() => seen() >= count, { what: () => `${count} ${name}; ${this.story()}` });
  }

  private story(): string {
    return `events: ${this.events.join()}; log: ${this.logger.lines.slice(-5).join(' | ')}`;
  }
}

function obliging(own: BrokerScript['onPacket']): NonNullable<BrokerScript['onPacket']> {
  return (packet, connection) => {
    if (own?.(packet, connection)) return true;
    if (packet.cmd === 'subscribe') {
      connection.send({ cmd: 'suback', messageId: packet.messageId!, granted: packet.subscriptions.map(() => 1) });
      return true;
    }
    if (packet.cmd !== 'unsubscribe') return false;
    connection.send({ cmd: 'unsuback', messageId: packet.messageId!, granted: packet.unsubscriptions.map(() => 0) });
    return true;
  };
}
