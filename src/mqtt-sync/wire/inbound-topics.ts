import { isEntityType } from './entity-policies.js';
import { matchesFilter } from './topic-filter.js';
import { expandPrefix, levelOf } from './topics.js';

/** Which changes somebody wants: one entity type, or all of them (`+` and `#` mean the same). */
export type EntityPattern = string;

/** Whether a text is an entity type or stands for all of them. */
export const isEntityPattern = (text: string): boolean => isWildcard(text) || isEntityType(text);

/** Whether a pattern stands for every entity type. */
export const isWildcard = (pattern: EntityPattern): boolean => pattern === '+' || pattern === '#';

/** What a topic under the inbound prefix carries: changes, or the service's own traffic, which no handler gets. */
export type TopicUse = 'changes' | 'service';

/** The topics that changes come in on. Entity types are single levels, so that no filter reaches `system/...`. */
export class InboundTopics {
  /** The prefix with `{vesselId}` filled in; a level of it may be `+`. */
  readonly prefix: string;

  constructor(prefix: string, vesselId: string) {
    this.prefix = expandPrefix(prefix, vesselId);
  }

  /** The filter for requests to send changes again. */
  get catchUpRequest(): string {
    return `${this.prefix}/catchup/request`;
  }

  /** The topic filters under which the changes of a pattern arrive, as they happen and sent again. */
  filtersOf(pattern: EntityPattern): readonly string[] {
    const level = isWildcard(pattern) ? '+' : levelOf(pattern);
    return [`${this.prefix}/${level}`, `${this.prefix}/catchup/${level}`];
  }

  /** What a topic carries; undefined when it is none of ours. */
  useOf(topic: string): TopicUse | undefined {
    if (matchesFilter(this.catchUpRequest, topic)) return 'service';
    const [live, replayed] = this.filtersOf('+') as [string, string];
    const level = topic.slice(topic.lastIndexOf('/') + 1);
    if (matchesFilter(live, topic)) return level === 'system' || level === 'catchup' ? 'service' : 'changes';
    if (matchesFilter(replayed, topic)) return 'changes';
    return matchesFilter(`${this.prefix}/#`, topic) ? 'service' : undefined;
  }
}
