import { connect, type MqttClient } from 'mqtt';
import { nowMs } from '../clock.js';
import { topicOf } from '../payload.js';

const OBSERVER_PREFIX = 'bench-observer';

export function isObserver(clientId: string): boolean {
  return clientId.startsWith(OBSERVER_PREFIX);
}

/** Somebody on shore who waits for one kind of message. */
export class Observer {
  private readonly arrivals: { readonly payload: Buffer; readonly atMs: number }[] = [];
  private whenArrived: (() => void)[] = [];

  private constructor(private readonly client: MqttClient) {
    client.on('message', (_topic, payload) => {
      this.arrivals.push({ payload, atMs: nowMs() });
      for (const resolve of this.whenArrived.splice(0)) resolve();
    });
  }

  /** Subscribes, again after every reconnect; at QoS 2 only where the last leg of QoS 2 is to be seen. */
  static async watch(url: string, entity: string, qos: 0 | 1 | 2 = 0): Promise<Observer> {
    const clientId = `${OBSERVER_PREFIX}-${entity}`;
    const client = connect(url, { protocolVersion: 5, clientId, reconnectPeriod: 10 });
    client.on('error', () => {});
    const observer = new Observer(client);
    await client.subscribeAsync(topicOf(entity), { qos });
    return observer;
  }

  get count(): number {
    return this.arrivals.length;
  }

  /** Bytes of all that came. */
  get bytes(): number {
    return this.arrivals.reduce((sum, { payload }) => sum + payload.length, 0);
  }

  /** When the n-th message came, counted from 1. */
  async arrival(number: number): Promise<number> {
    while (this.arrivals.length < number) await new Promise<void>((resolve) => this.whenArrived.push(resolve));
    return this.arrivals[number - 1]!.atMs;
  }

  async close(): Promise<void> {
    await this.client.endAsync(true);
  }
}
