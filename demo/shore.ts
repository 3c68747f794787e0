import mqtt, { type MqttClient } from 'mqtt';
import type { Ledger } from './ledger.js';

/** The fields of an envelope that the shore needs; it ignores the others, as every consumer should. */
interface Envelope {
  readonly type: string;
  readonly messageId: string;
  readonly entity: string;
  readonly key: string;
  readonly sequence: number;
  readonly data: unknown;
}

interface GapRange {
  readonly from: number;
  readonly to: number;
}

/** The listener on shore: reads everything the ship sends, directly at the broker, and enters it in the ledger. */
export class Shore {
  private constructor(private readonly client: MqttClient) {}

  static async listen(brokerPort: number, ledger: Ledger): Promise<Shore> {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${brokerPort}`, {
      clientId: 'shore_listener',
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    client.on('message', (_topic, payload) => enter(JSON.parse(payload.toString()) as Envelope, ledger));
    const [granted] = await client.subscribeAsync('vessel/sync/#', { qos: 2 });
    if (granted?.qos !== 2) throw new Error('the broker did not grant the subscription of the shore');
    return new Shore(client);
  }

  /** Calls back if the shore loses its broker, which ends the demo. */
  onLoss(report: (reason: Error) => void): void {
    this.client.once('close', () => report(new Error('the listener on shore lost its connection to the broker')));
  }

  close(): void {
    this.client.removeAllListeners('close');
    this.client.end(true);
  }
}

function enter(envelope: Envelope, ledger: Ledger): void {
  if (envelope.type === 'gap') {
    const { ranges } = envelope.data as { readonly ranges: readonly GapRange[] };
    ledger.recordGap(ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0));
  }
  if (envelope.type !== 'data_change') return;
  const { messageId, entity, key, sequence, data } = envelope;
  ledger.recordArrival({ messageId, entity, key, sequence, data });
}
