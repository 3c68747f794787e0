import { connect, type MqttClient } from 'mqtt';
import { onTestFinished } from 'vitest';
import { type ChangeEnvelope, type GapEnvelope, type StatusEnvelope } from '../../../src/mqtt-sync/wire/envelope.js';
import { until } from '../../helpers/wait.js';
import { type Oracle } from './oracle.js';

const MARKER_TOPIC = 'faults/marker';

/** Lines for a Mosquitto that keeps everything for a slow listener instead of dropping beyond its defaults. */
export const PATIENT_BROKER = ['allow_anonymous true', 'max_queued_messages 0', 'max_inflight_messages 0'].join('\n');

let shores = 0;

/**
 * The listener on shore: tells an oracle of everything that arrives and keeps nothing. It has a session that outlives
 * its connections, and listens at QoS 1: with QoS 2 the last leg would mix up what the broker received in order. Give the
 * broker `PATIENT_BROKER`.
 */
export class FaultShore {
  /** Statuses of the vessels, as they came. */
  readonly statuses: string[] = [];
  private markersSeen = new Set<string>();
  private lastArrivalMs = performance.now();
  private listening = false;

  private constructor(
    private readonly client: MqttClient,
    private readonly oracleOf: (envelope: ChangeEnvelope | GapEnvelope) => Oracle,
    private readonly qos: 1 | 2,
  ) {
    client.on('message', (topic, payload, { qos, retain }) => {
      this.lastArrivalMs = performance.now();
      if (topic === MARKER_TOPIC) this.markersSeen.add(payload.toString());
      else if (!retain) this.receive(payload, qos);
    });
  }

  /** Connects to the broker itself, past any proxy; ends with the test. With `qos` 2 publish one QoS only. */
  static async listen(
    url: string,
    oracle: Oracle | ((envelope: ChangeEnvelope | GapEnvelope) => Oracle),
    qos: 1 | 2 = 1,
  ) {
    const clientId = `fault_shore_${process.pid}_${++shores}`;
    const client = connect(url, {
      ...{ clientId, protocolVersion: 5, clean: false, reconnectPeriod: 50 },
      properties: { sessionExpiryInterval: 86_400 },
    });
    client.on('error', () => {});
    onTestFinished(async () => void (await client.endAsync(true)));
    const shore = new FaultShore(client, typeof oracle === 'function' ? oracle : () => oracle, qos);
    const subscribe = async () => {
      await client.subscribeAsync(['vessel/sync/#', MARKER_TOPIC], { qos, rh: 2 });
      shore.listening = true;
    };
    // A broker that lost its memory has to be asked again.
    client.on('connect', () => void subscribe().catch(() => {}));
    client.on('close', () => (shore.listening = false));
    await until(() => shore.listening, { what: 'the shore to listen' });
    return shore;
  }

  /** Whether the broker passes on to it what it gets from now on. */
  get isListening(): boolean {
    return this.listening;
  }

  /**
   * Waits until every obligation of the oracle has arrived or is accounted for; as long as something arrives it goes on
   * waiting. Returns without an error when nothing comes any more: the report then says what is missing.
   */
  async settled(oracle: Oracle, silenceMs = 15_000): Promise<void> {
    this.lastArrivalMs = performance.now();
    const isOver = () => oracle.isSettled || performance.now() - this.lastArrivalMs > silenceMs;
    await until(isOver, { deadlineMs: 1_800_000, what: () => `all on shore; missing: ${oracle.missing().join(', ')}` });
    await this.caughtUp();
  }

  /** Resolves when everything that the broker had for us has arrived: a marker came through after it. */
  async caughtUp(deadlineMs = 120_000): Promise<void> {
    const marker = `${this.client.options.clientId} ${this.markersSeen.size}`;
    await this.client.publishAsync(MARKER_TOPIC, marker, { qos: this.qos });
    await until(() => this.markersSeen.has(marker), { deadlineMs, what: 'the marker to come back' });
  }

  private receive(payload: Buffer, qos: number): void {
    const envelope = JSON.parse(payload.toString()) as ChangeEnvelope | GapEnvelope | StatusEnvelope;
    if (envelope.type === 'status') this.statuses.push(envelope.data.status);
    else if (envelope.type === 'gap') this.oracleOf(envelope).gap(envelope.entity, envelope.data.ranges);
    else this.oracleOf(envelope).arrived({ ...envelope, qos });
  }
}
