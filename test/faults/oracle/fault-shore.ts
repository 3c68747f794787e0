import { onTestFinished } from 'vitest';
import type { ChangeEnvelope, GapEnvelope, StatusEnvelope } from '../../../src/mqtt-sync/wire/envelope.js';
import { until } from '../../helpers/wait.js';
import { Listener } from './listener.js';
import type { Oracle } from './oracle.js';

const MARKER_TOPIC = 'faults/marker';
/** Under it a receiver asks, and is answered. */
const CATCH_UP = 'vessel/sync/catchup/';

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
  private readonly markersSeen = new Set<string>();
  private lastArrivalMs = performance.now();
  private readonly listener: Listener;
  private readonly qos: 0 | 1 | 2;
  private readonly number = ++shores;

  private constructor(
    url: string,
    qos: 0 | 1 | 2,
    private readonly oracleOf: (envelope: ChangeEnvelope | GapEnvelope) => Oracle,
  ) {
    const clientId = `fault_shore_${process.pid}_${this.number}`;
    this.qos = qos;
    const topics = ['vessel/sync/#', MARKER_TOPIC];
    this.listener = new Listener({ url, clientId, topics, qos }, (packet) => {
      this.lastArrivalMs = performance.now();
      if (packet.topic === MARKER_TOPIC) this.markersSeen.add(packet.payload.toString());
      // What a receiver was sent again is not told to the oracle: it would hide that it never came in the first place.
      else if (!packet.retain && !packet.topic.startsWith(CATCH_UP))
        this.receive(packet.payload.toString(), packet.qos);
    });
  }

  /**
   * Connects to the broker itself, past any proxy; ends with the test. With `qos` 2 publish one QoS only. With 0 it never
   * writes: where a broker is killed that matters, because a failed write ends a socket before all of it was read, and
   * what a killed broker has passed on, nobody passes on again.
   */
  static async listen(
    url: string,
    oracle: Oracle | ((envelope: ChangeEnvelope | GapEnvelope) => Oracle),
    qos: 0 | 1 | 2 = 1,
  ): Promise<FaultShore> {
    const shore = new FaultShore(url, qos, typeof oracle === 'function' ? oracle : () => oracle);
    onTestFinished(() => shore.listener.stop());
    await until(() => shore.isListening, { what: 'the shore to listen' });
    return shore;
  }

  /** Whether the broker passes on to it what it gets from now on. */
  get isListening(): boolean {
    return this.listener.isListening;
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
    const marker = `${process.pid} ${this.number} ${this.markersSeen.size}`;
    this.listener.publish(MARKER_TOPIC, marker);
    await until(() => this.markersSeen.has(marker), { deadlineMs, what: 'the marker to come back' });
  }

  private receive(payload: string, qos: number): void {
    const envelope = JSON.parse(payload) as ChangeEnvelope | GapEnvelope | StatusEnvelope;
    if (envelope.type === 'status') this.statuses.push(envelope.data.status);
    else if (envelope.type === 'gap') {
      // Nor is what only an answer to a receiver tells.
      if (!envelope.answered) this.oracleOf(envelope).gap(envelope.entity, envelope.data.ranges);
    }
    // A subscription of QoS 0 makes every arrival one, whatever it was published with.
    else this.oracleOf(envelope).arrived({ ...envelope, qos: this.qos === 0 ? undefined : qos });
  }
}
