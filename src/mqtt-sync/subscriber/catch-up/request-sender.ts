import { CatchUpInvalidError, CatchUpNotSentError } from '../../errors.js';
import type { Clock } from '../../time/clock.js';
import { encodeEnvelope } from '../../wire/envelope.js';
import { catchUpRequestUnder } from '../../wire/topics.js';
import type { CheckedQuery } from './catch-up-query.js';
import type { VesselPrefixes } from './vessel-prefixes.js';

/** Sends one of the service's own messages at QoS 1, outside the queue. */
export interface ControlPort {
  /** This side; undefined until it is known. */
  readonly vesselId: string | undefined;
  send(message: {
    readonly topic: string;
    readonly payload: Buffer;
    readonly retain: boolean;
    readonly settled: (outcome: 'acknowledged' | 'refused' | 'refused_in_passing' | 'lost' | 'not_sent') => void;
  }): void;
}

/** Hands requests for catch-up to the broker. */
export class RequestSender {
  constructor(
    private readonly port: ControlPort,
    private readonly prefixes: VesselPrefixes,
    private readonly clock: Clock,
  ) {}

  /**
   * Resolves when the broker has the request.
   * @throws {CatchUpNotSentError} not connected, or the broker refuses it.
   * @throws {CatchUpInvalidError} we would ask ourselves.
   */
  async send(id: string, { entity, ...data }: CheckedQuery): Promise<void> {
    const { vesselId } = this.port;
    if (vesselId === undefined)
      throw new CatchUpNotSentError('The request is not sent: the queue is not open, or sync is turned off.');
    if (vesselId === data.vesselId)
      throw new CatchUpInvalidError(`Cannot ask for changes of ${vesselId}: that is this side itself.`);
    const timestamp = new Date(this.clock.wallMs()).toISOString();
    const payload = encodeEnvelope({ type: 'catchup', entity, messageId: id, vesselId, timestamp, data });
    const topic = catchUpRequestUnder(this.prefixes.of(data.vesselId, vesselId));
    const outcome = await new Promise((settled) => this.port.send({ topic, payload, retain: false, settled }));
    if (outcome === 'refused')
      throw new CatchUpNotSentError(`The broker does not let this side publish to ${topic}.`, { topic, outcome });
    if (outcome === 'refused_in_passing')
      throw new CatchUpNotSentError(`The broker does not take a message on ${topic} just now.`, { topic, outcome });
    if (outcome !== 'acknowledged')
      throw new CatchUpNotSentError('The request is not sent: there is no connection to the broker.', { topic });
  }
}
