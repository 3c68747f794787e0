import { randomUUID } from 'node:crypto';
import { connectAsync, type MqttClient } from 'mqtt';
import { onTestFinished } from 'vitest';
import type {
  CatchupEnvelope,
  CatchupRequestEnvelope,
  ChangeEnvelope,
  GapEnvelope,
} from '../../src/mqtt-sync/wire/envelope.js';
import { until } from './wait.js';

const REQUESTS = 'vessel/sync/catchup/request';

/** A message as it came, with its retain flag. */
export interface Heard {
  readonly topic: string;
  readonly retain: boolean;
  readonly envelope: CatchupEnvelope | ChangeEnvelope | GapEnvelope;
}

/** Asks a vessel for changes again, over a connection to the broker of its own, and writes down everything it hears. */
export class Asker {
  readonly heard: Heard[] = [];

  private constructor(private readonly client: MqttClient) {
    client.on('message', (topic, payload, { retain }) => {
      if (topic === REQUESTS) return;
      this.heard.push({ topic, retain, envelope: JSON.parse(payload.toString()) as CatchupEnvelope });
    });
  }

  static async at(url: string): Promise<Asker> {
    const client = await connectAsync(url, { clientId: `asker_${randomUUID()}`, protocolVersion: 5 });
    onTestFinished(() => client.endAsync(true));
    const asker = new Asker(client);
    await client.subscribeAsync('vessel/sync/#', { qos: 1 });
    return asker;
  }

  get replayed(): CatchupEnvelope[] {
    return this.heard
      .filter(({ envelope }) => envelope.type === 'catchup')
      .map(({ envelope }) => envelope as CatchupEnvelope);
  }

  get replayedSequences(): number[] {
    return [...new Set(this.replayed.map(({ sequence }) => sequence ?? 0))];
  }

  /** Sends a request; returns its id. */
  async ask(entity: string, data: Partial<CatchupRequestEnvelope['data']> = {}): Promise<string> {
    const request: CatchupRequestEnvelope = {
      ...{ type: 'catchup', entity, messageId: randomUUID(), vesselId: 'office' },
      timestamp: new Date().toISOString(),
      data: { vesselId: 'mv-test', ...data },
    };
    await this.send(JSON.stringify(request));
    return request.messageId;
  }

  /** Sends anything where requests go. */
  async send(payload: string): Promise<void> {
    await this.client.publishAsync(REQUESTS, payload, { qos: 1 });
  }

  /** The message that ends the answer to a request. */
  async answered(request: string, deadlineMs = 20_000): Promise<GapEnvelope> {
    const find = () => this.heard.find(({ envelope }) => (envelope as GapEnvelope).answered?.request === request);
    await until(() => find() !== undefined, {
      deadlineMs,
      what: () => `the answer to end; ${this.replayed.length} changes were sent again`,
    });
    return find()!.envelope as GapEnvelope;
  }
}
