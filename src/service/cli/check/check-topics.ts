import { v7 as uuidv7 } from 'uuid';
import type { ResolvedOptions } from '../../../mqtt-sync/resolve-options.js';
import { InboundTopics } from '../../../mqtt-sync/wire/inbound-topics.js';
import { requestFilters } from '../../../mqtt-sync/wire/request-filters.js';
import { Topics } from '../../../mqtt-sync/wire/topics.js';
import { PROBE_ENTITY } from '../../smoke/probe.js';

/** A right that the service needs at the broker. */
export interface NeededRight {
  /** Topic or topic filter. */
  readonly topic: string;
  /** What goes wrong without it, as a sentence. */
  readonly consequence: string;
}

/** A right to publish, and what to try it with. */
export interface PublishRight extends NeededRight {
  /** The envelope to send, without what all have in common. It harms nobody who hears it. */
  readonly envelope: object;
  /** Whether the service retains what it sends there, and a probe may be: nothing else is kept for that topic. */
  readonly retain: boolean;
  /** The service works without it. */
  readonly isOptional: boolean;
}

/** Consumers ignore types that they do not know (docs/wire-contract.md). */
const UNKNOWN_TYPE = { type: 'check', data: {} };

/** The topics that a stand-alone service uses, as it makes them from its options. */
export class CheckTopics {
  private readonly own: Topics;
  private readonly inbound: InboundTopics;

  constructor(private readonly options: Pick<ResolvedOptions, 'vesselId' | 'topicPrefix' | 'inboundPrefix'>) {
    const { vesselId, topicPrefix, inboundPrefix } = options;
    this.own = new Topics(topicPrefix, vesselId);
    this.inbound = new InboundTopics(inboundPrefix, vesselId);
  }

  /** The topic of the last will. */
  get status(): string {
    return this.own.status;
  }

  get changes(): PublishRight {
    return {
      topic: this.own.ofEntity(PROBE_ENTITY),
      envelope: { type: 'data_change', entity: PROBE_ENTITY, operation: 'create', data: {} },
      consequence: `no change is delivered. (Where rights name each entity type, ${PROBE_ENTITY} is one, for this check and the smoke test.)`,
      retain: true,
      isOptional: false,
    };
  }

  /** Where the service publishes. */
  get published(): readonly PublishRight[] {
    const { own } = this;
    const plain = { retain: false, isOptional: false };
    return [
      this.changes,
      {
        topic: own.status,
        // Not retained, so that the true status stays.
        envelope: { ...UNKNOWN_TYPE, entity: 'system' },
        consequence: 'nobody on shore sees whether this vessel is online.',
        ...plain,
      },
      {
        topic: own.gap,
        envelope: { type: 'gap', entity: PROBE_ENTITY, data: { ranges: [] } },
        consequence: 'nobody is told of changes that are lost for good.',
        ...plain,
      },
      {
        topic: own.catchUpOf(PROBE_ENTITY),
        envelope: { type: 'catchup', entity: PROBE_ENTITY, operation: 'create', data: {} },
        consequence: 'no change can be sent again to whoever missed it.',
        ...plain,
      },
      ...this.asking,
    ];
  }

  /** Where the service listens: for requests to send its changes again, and for nothing else. */
  get subscribed(): readonly NeededRight[] {
    const consequence = 'nobody can ask this vessel there for its changes again.';
    return requestFilters(this.own, this.inbound).map((topic) => ({ topic, consequence }));
  }

  /** The payload for a topic. */
  payload(envelope: object = { ...UNKNOWN_TYPE, entity: 'system' }): string {
    const { vesselId } = this.options;
    return JSON.stringify({ ...envelope, messageId: uuidv7(), vesselId, timestamp: new Date().toISOString() });
  }

  /** Where others are asked for their changes; with a `+` that depends on whom. */
  private get asking(): readonly PublishRight[] {
    const topic = this.inbound.catchUpRequest;
    if (topic.includes('+')) return [];
    return [
      {
        topic,
        envelope: { ...UNKNOWN_TYPE, entity: PROBE_ENTITY },
        consequence: 'others cannot be asked for their changes again (POST .../catchup); everything else works.',
        retain: false,
        isOptional: true,
      },
    ];
  }
}
