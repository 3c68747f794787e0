import type { ResolvedOptions } from '../../resolve-options.js';
import { InboundTopics } from '../../wire/inbound-topics.js';
import { expandPrefix } from '../../wire/topics.js';

/** Vessels are few; more than these come from a sender that makes them up. */
const MAX_VESSELS = 10_000;

/**
 * Under which prefix a vessel is asked: that of its changes, where it listens for requests. Where the inbound prefix does not
 * say which one that is, the one under which it was last heard; else the own one.
 */
export class VesselPrefixes {
  private topics: InboundTopics | undefined;
  private readonly heard = new Map<string, string>();

  constructor(
    private readonly options: Pick<ResolvedOptions, 'topicPrefix' | 'inboundPrefix'> & {
      readonly incoming: Pick<ResolvedOptions['incoming'], 'verifySender'>;
    },
  ) {}

  /** Something of a vessel came on a topic of changes. @param ownId the id of this side. */
  heardOn(vesselId: string, topic: string, ownId: string): void {
    const topics = this.topicsOf(ownId);
    // Only where it is not clear anyway.
    if (topics.prefixOf(vesselId) !== undefined) return;
    if (this.heard.size < MAX_VESSELS || this.heard.has(vesselId)) this.heard.set(vesselId, topics.prefixIn(topic));
  }

  /** @param ownId the id of this side. */
  of(vesselId: string, ownId: string): string {
    const known = this.topicsOf(ownId).prefixOf(vesselId) ?? this.heard.get(vesselId);
    return known ?? expandPrefix(this.options.topicPrefix, ownId);
  }

  private topicsOf(ownId: string): InboundTopics {
    const { inboundPrefix, incoming } = this.options;
    return (this.topics ??= new InboundTopics(inboundPrefix, ownId, incoming.verifySender));
  }
}
