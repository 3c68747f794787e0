import type { InboundTopics } from '../wire/inbound-topics.js';
import type { IncomingMessage } from '../wire/decode-change.js';
import { matchesFilter } from '../wire/topic-filter.js';

/** Somebody inside the library who wants traffic that no handler gets: gaps, requests. */
export interface ServiceListener {
  /** The topic filter, once it is known under which topics we receive. */
  filter(topics: InboundTopics): string;
  /**
   * Takes one message; the next one of this listener waits. It is acknowledged when the promise resolves, and tried again
   * when it rejects: what cannot be understood must not reject.
   */
  receive(message: IncomingMessage): Promise<void>;
  /** Whether a connection is opened for it alone. */
  readonly opensConnection: boolean;
}

/** The listeners, by what arrives. */
export class ServiceListeners {
  private readonly listeners = new Set<ServiceListener>();
  private changes = 0;

  /** Another one whenever a listener came or went. */
  get version(): number {
    return this.changes;
  }

  add(listener: ServiceListener): void {
    this.listeners.add(listener);
    this.changes++;
  }

  remove(listener: ServiceListener): void {
    this.listeners.delete(listener);
    this.changes++;
  }

  /** Whether one of them is reason enough to connect. */
  get openConnection(): boolean {
    return [...this.listeners].some(({ opensConnection }) => opensConnection);
  }

  filters(topics: InboundTopics): readonly string[] {
    return [...this.listeners].map((listener) => listener.filter(topics));
  }

  matching(topic: string, topics: InboundTopics): readonly ServiceListener[] {
    return [...this.listeners].filter((listener) => matchesFilter(listener.filter(topics), topic));
  }
}
