import { connect, type MqttClient } from 'mqtt';
import { onTestFinished } from 'vitest';
import type { ChangeEnvelope, GapEnvelope, StatusEnvelope } from '../../src/mqtt-sync/wire/envelope.js';
import { until } from './wait.js';

type Envelope = ChangeEnvelope | GapEnvelope | StatusEnvelope;

/** A listener on shore that remembers what arrives, in the order of arrival. */
export class Shore {
  readonly received: { readonly topic: string; readonly retain: boolean; readonly envelope: Envelope }[] = [];

  private constructor(private readonly client: MqttClient) {
    client.on('message', (topic, payload, { retain }) => {
      this.received.push({ topic, retain, envelope: JSON.parse(payload.toString()) as Envelope });
    });
  }

  /**
   * Subscribes to everything, again after every reconnect; ends with the test. At QoS 1, because a broker keeps order
   * within one QoS only: with QoS 2 the last leg would mix up what it received in order.
   */
  static async listen(url: string, filter = '#'): Promise<Shore> {
    const client = connect(url, { reconnectPeriod: 50, clean: true });
    onTestFinished(async () => void (await client.endAsync(true)));
    const shore = new Shore(client);
    client.on('connect', () => void client.subscribeAsync(filter, { qos: 1 }));
    await client.subscribeAsync(filter, { qos: 1 });
    return shore;
  }

  /** The changes as they came, repeats included. */
  get changes(): readonly ChangeEnvelope[] {
    return this.received.flatMap(({ envelope }) => (envelope.type === 'data_change' ? envelope : []));
  }

  /** Sequences of an entity type in the order in which they first came. */
  sequencesOf(entity: string): number[] {
    const seen = new Set<number>();
    for (const change of this.changes) if (change.entity === entity) seen.add(change.sequence);
    return [...seen];
  }

  async has(count: number, deadlineMs = 20_000): Promise<void> {
    const distinct = () => new Set(this.changes.map(({ messageId }) => messageId)).size;
    await until(() => distinct() >= count, { deadlineMs, what: () => `${count} changes on shore; ${distinct()} came` });
  }
}
