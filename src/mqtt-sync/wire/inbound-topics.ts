import { isEntityType } from './entity-policies.js';
import type { IncomingChange } from './incoming-change.js';
import { matchesFilter } from './topic-filter.js';
import { catchUpRequestUnder, expandPrefix, levelOf } from './topics.js';

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
  /** Places of the levels that `+` stands for; none where nobody is to look at them. */
  private readonly senderLevels: readonly number[];

  /** @param verifySender whether one of the levels that `+` stands for has to be the id of the vessel that speaks there. */
  constructor(prefix: string, vesselId: string, verifySender = true) {
    this.prefix = expandPrefix(prefix, vesselId);
    const levels = verifySender ? this.prefix.split('/') : [];
    this.senderLevels = levels.flatMap((level, index) => (level === '+' ? [index] : []));
  }

  /** The filter for requests to send changes again. */
  get catchUpRequest(): string {
    return catchUpRequestUnder(this.prefix);
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

  /** The prefix under which the changes of a vessel come; undefined where `+` leaves that open. */
  prefixOf(vesselId: string): string | undefined {
    const levels = this.prefix.split('/');
    const wildcards = levels.filter((level) => level === '+').length;
    if (wildcards === 0) return this.prefix;
    const isClear = wildcards === 1 && this.senderLevels.length === 1 && !/[+#/\0]/.test(vesselId);
    return isClear ? levels.map((level) => (level === '+' ? vesselId : level)).join('/') : undefined;
  }

  /** The prefix of a topic that lies under this one. */
  prefixIn(topic: string): string {
    return topic.split('/').slice(0, this.prefix.split('/').length).join('/');
  }

  /** Whether a vessel may speak on a topic: one of the levels that `+` stands for is its id, or there is none. */
  mayBeOf(vesselId: string, topic: string): boolean {
    if (this.senderLevels.length === 0) return true;
    const levels = topic.split('/');
    return this.senderLevels.some((index) => levels[index] === vesselId);
  }

  /** Whether a topic is that of the status or the gaps of one vessel, under the prefix of another one. */
  speaksOfAnother(topic: string): boolean {
    const [id, , system] = topic.split('/').reverse();
    return system === 'system' && matchesFilter(`${this.prefix}/system/+/+`, topic) && !this.mayBeOf(id!, topic);
  }

  /** What a change says of itself that its topic contradicts, for people; undefined when the two agree. */
  contradiction({
    topic,
    vesselId,
    entity,
  }: Pick<IncomingChange, 'topic' | 'vesselId' | 'entity'>): string | undefined {
    const level = topic.slice(topic.lastIndexOf('/') + 1);
    if (level !== entity && level !== levelOf(entity))
      return `its entity type is ${quoted(entity)}, which is not that of its topic`;
    if (vesselId === undefined || this.mayBeOf(vesselId, topic)) return undefined;
    return `its vesselId is ${quoted(vesselId)}, which is not the vessel of its topic`;
  }
}

const quoted = (name: string): string => JSON.stringify(name.slice(0, 80));
