import { v7 as uuidv7 } from 'uuid';
import type { MqttSyncError } from '../errors.js';
import type { MqttSyncOptions } from '../mqtt-sync.options.js';
import { type ResolvedOptions, resolveOptions } from '../resolve-options.js';
import { type Change, draftMessage, momentOf } from '../publisher/change.js';
import type { Receipt } from '../publisher/receipt.js';
import type { SyncPublisher } from '../publisher/sync-publisher.service.js';
import { EntityPolicies, type Qos } from '../wire/entity-policies.js';
import type { Operation } from '../wire/envelope.js';
import { Topics } from '../wire/topics.js';

/** A change as a test can compare it: what would have gone over the wire. */
export interface RecordedChange {
  readonly entity: string;
  readonly operation: Operation;
  readonly key: string | undefined;
  readonly data: unknown;
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly messageId: string;
  readonly sequence: number;
}

/** The options that decide what a change becomes. */
export type RecordingOptions = Pick<MqttSyncOptions, 'topicPrefix' | 'entities' | 'maxMessageBytes' | 'vesselId'>;

/** Stands in for `SyncPublisher` in tests: checks changes as the real one does, and records them instead of sending them. */
export class RecordingPublisher implements Pick<SyncPublisher, 'publish' | 'publishMany' | 'isStopping'> {
  private readonly changes: RecordedChange[] = [];
  private readonly sequences = new Map<string, number>();
  private nextFailure: MqttSyncError | undefined;
  private readonly options: ResolvedOptions;
  private readonly policies: EntityPolicies;
  private readonly topics: Topics;
  readonly isStopping = false;

  /** @param options those of the application that decide what a change becomes: prefix, policies, size limit, vessel id */
  constructor(options: RecordingOptions = {}) {
    this.options = resolveOptions({ vesselId: 'test-vessel', ...options });
    this.policies = new EntityPolicies(this.options.entities);
    this.topics = new Topics(this.options.topicPrefix, this.options.vesselId);
  }

  /** What was published so far, in order. */
  get published(): readonly RecordedChange[] {
    return this.changes;
  }

  /** Forgets what was published so far. */
  clear(): void {
    this.changes.length = 0;
  }

  /** Makes the next `publish()` or `publishMany()` reject. */
  failNext(error: MqttSyncError): void {
    this.nextFailure = error;
  }

  async publish(
    entity: string,
    operation: Operation,
    data?: unknown,
    options: Omit<Change, 'entity' | 'operation' | 'data'> = {},
  ): Promise<Receipt> {
    const [receipt] = await this.publishMany([{ ...options, entity, operation, data }]);
    return receipt!;
  }

  // So that a bad change rejects, as it does at the original, instead of throwing.
  // eslint-disable-next-line @typescript-eslint/require-await
  async publishMany(changes: readonly Change[]): Promise<Receipt[]> {
    const failure = this.nextFailure;
    this.nextFailure = undefined;
    if (failure) throw failure;
    const recorded = changes.map((change) => this.check(change));
    return recorded.map((change) => this.record(change));
  }

  private check(change: Change): Omit<RecordedChange, 'sequence'> {
    const { policies, topics, options } = this;
    const { vesselId, maxMessageBytes } = options;
    const context = { policies, topics, vesselId, maxMessageBytes, nextMessageId: () => uuidv7() };
    const draft = draftMessage(change, momentOf(Date.now()), context);
    const { entity, operation, key, topic, qos, retain, messageId, envelope } = draft;
    const { data } = JSON.parse(envelope.seal(0, 0).toString()) as { data?: unknown };
    return { entity, operation, key, data, topic, qos, retain, messageId };
  }

  private record(change: Omit<RecordedChange, 'sequence'>): Receipt {
    const sequence = (this.sequences.get(change.entity) ?? 0) + 1;
    this.sequences.set(change.entity, sequence);
    this.changes.push({ ...change, sequence });
    const { messageId } = change;
    return { messageId, sequence, durable: false, waiting: false, skipped: false, delivered: () => Promise.resolve() };
  }
}
