import { randomUUID } from 'node:crypto';
import { connect, type MqttClient } from 'mqtt';
import { parseBrokerAddress } from '../../mqtt-sync/connection/broker-address.js';
import { failureText } from '../../mqtt-sync/connection/failure-text.js';
import { transportOptions } from '../../mqtt-sync/connection/mqtt-client.js';
import { readSecrets, type Secrets } from '../../mqtt-sync/connection/secrets.js';
import type { ResolvedOptions } from '../../mqtt-sync/resolve-options.js';
import type { Instance } from './instance.js';
import { type Probe, PROBE_ENTITY } from './probe.js';

/** Sees the probe arrive. */
export interface Witness {
  readonly kind: 'broker' | 'metrics';
  /** Gets ready, before the probe is posted; resolves with what it watches. */
  watch(topic: string): Promise<string>;
  /** Resolves when the probe has arrived, with what was seen. */
  sees(probe: Probe): Promise<string>;
  close(): Promise<void>;
}

/** A subscriber at the broker: the only one who knows that the probe went all the way. */
export class BrokerWitness implements Witness {
  readonly kind = 'broker';
  private readonly seen = new Set<string>();
  private client: MqttClient | undefined;
  private secrets: Secrets | undefined;
  private arrived: () => void = () => {};

  constructor(
    private readonly options: ResolvedOptions,
    private readonly timeoutMs: number,
  ) {}

  async watch(topic: string): Promise<string> {
    const address = parseBrokerAddress(this.options.brokerUrl, this.options.tlsEnabled);
    try {
      this.secrets = await readSecrets(this.options, address);
      const client = await this.connect(address);
      client.on('message', (_topic, payload) => this.note(payload));
      const [granted] = await client.subscribeAsync(topic, { qos: 1 });
      if (!granted || granted.qos > 2) throw new Error(`the subscription to ${topic} was refused`);
      return `subscribed to ${topic} at ${address.shown}`;
    } catch (error) {
      throw new Error(`${address.shown}: ${failureText(error, [this.secrets?.password])}`, { cause: error });
    }
  }

  async sees({ messageId }: Probe): Promise<string> {
    await withDeadline<void>(this.timeoutMs, `not seen at the broker within ${this.timeoutMs / 1000} s`, (resolve) => {
      this.arrived = () => this.seen.has(messageId) && resolve();
      this.arrived();
    });
    return 'seen at the broker';
  }

  async close(): Promise<void> {
    await this.client?.endAsync(true);
  }

  private connect(address: ReturnType<typeof parseBrokerAddress>): Promise<MqttClient> {
    const { username, password } = this.secrets!;
    const client = connect({
      ...transportOptions({ address, options: this.options }, this.secrets!),
      protocolVersion: 5,
      clientId: `arus_smoke_${randomUUID().slice(0, 8)}`,
      reconnectPeriod: 0,
      connectTimeout: this.timeoutMs,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
    });
    this.client = client;
    const failure = `no connection within ${this.timeoutMs / 1000} s`;
    return withDeadline(this.timeoutMs, failure, (resolve, reject) => {
      client.once('connect', () => resolve(client));
      client.on('error', reject);
      client.once('close', () => reject(new Error('the broker closed the connection')));
    });
  }

  private note(payload: Buffer): void {
    // A probe of somebody else's, or a message of another program, is none of ours.
    const messageId = /"messageId":"([^"]+)"/.exec(payload.toString())?.[1];
    if (messageId === undefined) return;
    this.seen.add(messageId);
    this.arrived();
  }
}

const POLL_EVERY_MS = 200;

/** The instance's own counters: they say that the broker acknowledged a probe. */
export class MetricsWitness implements Witness {
  readonly kind = 'metrics';
  private before = 0;

  constructor(
    private readonly instance: Instance,
    private readonly timeoutMs: number,
  ) {}

  async watch(): Promise<string> {
    this.before = publishedProbes(await this.instance.metrics());
    return 'no --broker: watching the counters of the instance, not the other end';
  }

  async sees(): Promise<string> {
    const givesUpAt = performance.now() + this.timeoutMs;
    for (;;) {
      const metrics = await this.instance.metrics();
      const depth = /^arus_mqtt_queue_depth (\d+)/m.exec(metrics)?.[1];
      if (publishedProbes(metrics) > this.before) return `acknowledged by the broker, ${depth} left in the queue`;
      if (performance.now() > givesUpAt) {
        throw new Error(`not acknowledged within ${this.timeoutMs / 1000} s, ${depth} in the queue`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS));
    }
  }

  async close(): Promise<void> {}
}

function publishedProbes(metrics: string): number {
  const lines = metrics.split('\n').filter((line) => line.startsWith('arus_mqtt_messages_published_total{'));
  const ours = lines.filter((line) => line.includes(`entity_type="${PROBE_ENTITY}"`));
  return ours.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf('}') + 1)), 0);
}

async function withDeadline<Value>(
  ms: number,
  failure: string,
  start: (resolve: (value: Value | PromiseLike<Value>) => void, reject: (error: Error) => void) => void,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Value>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(failure)), ms);
      start(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
  }
}
