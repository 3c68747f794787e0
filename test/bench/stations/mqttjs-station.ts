import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { plainEnvelope, topicOf } from '../payload.js';
import type { Station, StationOptions } from './station.js';

interface PlainMessage {
  readonly topic: string;
  readonly payload: string;
}

/** A part of the load that is made up as it is sent. */
interface Load {
  readonly entity: string;
  next: number;
  readonly end: number;
}

/**
 * Nobody has messages retained here: a bridge sends what its own broker has retained once more at every reconnect, the
 * marker of a drain ahead of the backlog.
 */
const QOS_1 = { qos: 1, retain: false } as const;

/** MQTT.js as its users have it: MQTT 5, everything else at its defaults. */
abstract class MqttjsStation implements Station {
  delivered = 0;
  protected client!: MqttClient;

  constructor(private readonly options: StationOptions) {}

  open(): Promise<void> {
    const clientId = `bench-${this.options.contender}`;
    const options: IClientOptions = { protocolVersion: 5, clientId };
    this.client = connect(this.options.brokerUrl, options);
    this.client.on('error', () => {});
    return Promise.resolve();
  }

  isConnected(): boolean {
    return this.client.connected;
  }

  abstract publish(entity: string, first: number, count: number): Promise<void>;

  async close(): Promise<void> {
    await this.client.endAsync(true);
  }
}

/** Keeps so many messages in flight, and sends the next one when one is acknowledged; the backlog is in RAM. */
export class WindowStation extends MqttjsStation {
  private readonly backlog: PlainMessage[] = [];
  private nextInBacklog = 0;
  private readonly loads: Load[] = [];
  private inFlight = 0;

  constructor(
    options: StationOptions,
    private readonly window: number,
  ) {
    super(options);
  }

  override async open(): Promise<void> {
    await super.open();
    this.client.on('connect', () => this.fill());
  }

  publish(entity: string, first: number, count: number): Promise<void> {
    if (this.client.connected) {
      this.loads.push({ entity, next: first, end: first + count });
      this.fill();
    } else {
      for (let number = first; number < first + count; number++) this.backlog.push(messageOf(entity, number));
    }
    return Promise.resolve();
  }

  private fill(): void {
    while (this.client.connected && this.inFlight < this.window) {
      const message = this.next();
      if (!message) return;
      this.inFlight++;
      this.client.publish(message.topic, message.payload, QOS_1, (error) => {
        this.inFlight--;
        if (!error) this.delivered++;
        this.fill();
      });
    }
  }

  private next(): PlainMessage | undefined {
    if (this.nextInBacklog < this.backlog.length) return this.backlog[this.nextInBacklog++];
    const load = this.loads[0];
    if (!load) return undefined;
    const message = messageOf(load.entity, load.next++);
    if (load.next === load.end) this.loads.shift();
    return message;
  }
}

/** Publishes whatever the connection does, and leaves queue and resending to MQTT.js. */
export class OfflineStation extends MqttjsStation {
  publish(entity: string, first: number, count: number): Promise<void> {
    for (let number = first; number < first + count; number++) {
      const { topic, payload } = messageOf(entity, number);
      this.client.publish(topic, payload, QOS_1, (error) => {
        if (!error) this.delivered++;
      });
    }
    return Promise.resolve();
  }
}

function messageOf(entity: string, number: number): PlainMessage {
  return { topic: topicOf(entity), payload: plainEnvelope(entity, number) };
}
