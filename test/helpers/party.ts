import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type IClientOptions, type IConnackPacket, type MqttClient } from 'mqtt';
import { onTestFinished } from 'vitest';
import { until, within } from './wait.js';

/** Files of somebody's certificate. */
interface CertificatePaths {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Somebody who connects to a broker over TLS, on MQTT 5, and tries things. Ends with the test. */
export class Party {
  /** Topics and payloads as they came. */
  readonly received: { readonly topic: string; readonly payload: string }[] = [];

  private constructor(private readonly client: MqttClient) {
    // At once: what a session has kept comes right behind the CONNACK.
    client.on('message', (topic, payload) => this.received.push({ topic, payload: payload.toString() }));
  }

  /** What the CONNACK said of the broker's limits. */
  limits: IConnackPacket['properties'];

  /** Connects; rejects with what the broker or TLS said. */
  static async connect(port: number, options: IClientOptions = {}): Promise<Party> {
    const client = connect(`mqtts://localhost:${port}`, {
      protocolVersion: 5,
      clientId: `party_${randomUUID()}`,
      reconnectPeriod: 0,
      connectTimeout: 10_000,
      ...options,
    });
    onTestFinished(async () => client.endAsync(true));
    const party = new Party(client);
    const connected = new Promise<IConnackPacket>((resolve, reject) =>
      client.on('connect', resolve).on('error', reject),
    );
    party.limits = (await within(connected, { what: 'the CONNACK' })).properties;
    return party;
  }

  /** Options for a client certificate. */
  static certificate({ ca, cert, key }: CertificatePaths): IClientOptions {
    return { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
  }

  /** Publishes at QoS 1 or 2; resolves with the reason code of the acknowledgement. */
  async publish(topic: string, payload = 'x', qos: 1 | 2 = 1, retain = false): Promise<number> {
    try {
      const packet = await this.client.publishAsync(topic, payload, { qos, retain });
      return (packet as { reasonCode?: number } | undefined)?.reasonCode ?? 0;
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (typeof code !== 'number') throw error;
      return code;
    }
  }

  async subscribe(...filters: readonly string[]): Promise<void> {
    await this.client.subscribeAsync([...filters], { qos: 1 });
  }

  /** Waits for what a condition says of what was received. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const newest = () => this.received.slice(-20).map(({ topic }) => topic);
    const came = () => `${this.received.length} came, the newest: ${newest().join(', ')}`;
    await until(condition, { what: () => `${what}; ${came()}`, deadlineMs: 30_000 });
  }

  /** Is gone without a word. */
  vanish(): void {
    this.client.stream.destroy();
  }

  /** Says goodbye; its session stays for as long as it asked. */
  async leave(): Promise<void> {
    await this.client.endAsync();
  }

  async has(topic: string): Promise<void> {
    await this.until(() => this.received.some((message) => message.topic === topic), topic);
  }
}
