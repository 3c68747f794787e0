/** Entity types that share a topic with another one. No object, which has a `constructor` without being given one. */
const TOPIC_LEVELS: ReadonlyMap<string, string> = new Map([['maintenance_schedules', 'maintenance']]);

/** The topic level of an entity type. */
export function levelOf(entity: string): string {
  return TOPIC_LEVELS.get(entity) ?? entity;
}

/** Replaces the `{vesselId}` of a topic prefix. */
export function expandPrefix(prefix: string, vesselId: string): string {
  return prefix.replaceAll('{vesselId}', vesselId);
}

const REQUEST_LEVEL = 'request';

/** Whether changes of an entity type can be sent again: those of `request` would go where requests come in. */
export function canBeSentAgain(entity: string): boolean {
  return entity !== REQUEST_LEVEL;
}

/** The topic of requests for the changes that lie under a prefix. */
export function catchUpRequestUnder(prefix: string): string {
  return `${prefix}/catchup/${REQUEST_LEVEL}`;
}

/** The topics under one prefix, as one vessel uses them. */
export class Topics {
  /** The prefix with `{vesselId}` filled in. */
  readonly prefix: string;

  constructor(
    prefix: string,
    private readonly vesselId: string,
  ) {
    this.prefix = expandPrefix(prefix, vesselId);
  }

  /** Topic of the changes of an entity type. */
  ofEntity(entity: string): string {
    return `${this.prefix}/${levelOf(entity)}`;
  }

  /** Retained online or offline status of this vessel, also the topic of its last will. */
  get status(): string {
    return `${this.prefix}/system/status/${this.vesselId}`;
  }

  /** Gaps of this vessel. */
  get gap(): string {
    return `${this.prefix}/system/gap/${this.vesselId}`;
  }

  /** Requests for the changes of this vessel, and of whoever shares its prefix. */
  get catchUpRequest(): string {
    return catchUpRequestUnder(this.prefix);
  }

  /** Changes of an entity type that are sent again. */
  catchUpOf(entity: string): string {
    return `${this.prefix}/catchup/${levelOf(entity)}`;
  }

  /** The eight topics (the last as a filter) that dashboards and the health document know. */
  get known(): readonly string[] {
    const levels = ['work_orders', 'alerts', 'equipment', 'crew', 'maintenance', 'system', 'conflicts', 'catchup/#'];
    return levels.map((level) => `${this.prefix}/${level}`);
  }
}
