import type { InboundTopics, TopicUse } from '../wire/inbound-topics.js';
import type { ServiceListener, ServiceListeners } from './service-listeners.js';

/** Where what arrives on a topic goes. */
export interface TopicRoute {
  /** Inside the library. */
  readonly listeners: readonly ServiceListener[];
  readonly use: TopicUse | undefined;
  /** A vessel's own traffic, on a topic of another vessel. */
  readonly isForeign: boolean;
}

/** Topics are few; more than these come from a sender that makes them up. */
const MAX_ROUTES = 1024;

/** Remembers the route of each topic: to match filters anew for every message would cost more than to decode it. */
export class TopicRoutes {
  private readonly routes = new Map<string, TopicRoute>();
  private version: number;

  constructor(
    private readonly topics: InboundTopics,
    private readonly listeners: ServiceListeners,
  ) {
    this.version = listeners.version;
  }

  of(topic: string): TopicRoute {
    if (this.version !== this.listeners.version || this.routes.size > MAX_ROUTES) this.routes.clear();
    this.version = this.listeners.version;
    let route = this.routes.get(topic);
    if (!route) {
      const { topics, listeners } = this;
      route = {
        listeners: listeners.matching(topic, topics),
        use: topics.useOf(topic),
        isForeign: topics.speaksOfAnother(topic),
      };
      this.routes.set(topic, route);
    }
    return route;
  }
}
