import { connectAsync } from 'mqtt';
import { onTestFinished } from 'vitest';
import type { ChangeEnvelope } from '../../src/mqtt-sync/wire/envelope.js';

/** One change as the broker passed it on. */
export interface Observed {
  readonly topic: string;
  readonly qos: number;
  readonly envelope: ChangeEnvelope;
}

/** A subscriber that writes down every change that the broker passes on: the witness of what was really published. */
export class Observer {
  /** In the order of arrival, repetitions included. */
  readonly changes: Observed[] = [];

  /** Connects to a broker directly, so that no cut of the service's link is a cut of its own. Ends with the test. */
  static async at(url: string): Promise<Observer> {
    const observer = new Observer();
    const client = await connectAsync(url, { protocolVersion: 5, clientId: `observer_${process.pid}_${Date.now()}` });
    onTestFinished(async () => client.endAsync(true));
    client.on('message', (topic, payload, { qos }) => {
      const envelope = JSON.parse(payload.toString()) as ChangeEnvelope;
      if (envelope.type === 'data_change') observer.changes.push({ topic, qos, envelope });
    });
    await client.subscribeAsync('vessel/sync/#', { qos: 2 });
    return observer;
  }

  /** The changes without those that came twice. */
  get distinct(): readonly Observed[] {
    const byId = new Map(this.changes.map((change) => [change.envelope.messageId, change]));
    return [...byId.values()];
  }

  /** Deliveries by `entity operation qos`, without repetitions. */
  countsByLabels(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { envelope, qos } of this.distinct) {
      const labels = `${envelope.entity} ${envelope.operation} ${qos}`;
      counts[labels] = (counts[labels] ?? 0) + 1;
    }
    return counts;
  }
}
