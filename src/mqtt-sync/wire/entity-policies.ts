import { EntityTypeInvalidError } from '../errors.js';
import type { Lane } from './lanes.js';

/** MQTT quality of service: at most once, at least once, exactly once (MQTT 5, section 4.3). */
export type Qos = 0 | 1 | 2;

/** How the changes of one entity type travel. */
export interface EntityPolicy {
  /** @default 1 */
  readonly qos: Qos;
  /** Whether the broker keeps the newest change per topic for late subscribers. @default true */
  readonly retain: boolean;
  /** @default 'normal' */
  readonly lane: Lane;
}

/** What the options change of the policies, by entity type. */
export type EntityPolicyOverrides = Readonly<
  Record<string, { readonly [Field in keyof EntityPolicy]?: EntityPolicy[Field] | undefined }>
>;

/** As many entity types as one queue may know, so that topics and metric labels stay bounded. */
export const MAX_ENTITY_TYPES = 256;

const ENTITY_TYPE = /^[a-z][a-z0-9_]{0,63}$/;

/** Topic levels that carry the service's own traffic. */
const RESERVED = new Set(['system', 'catchup']);

const STANDARD: EntityPolicy = { qos: 1, retain: true, lane: 'normal' };

const KNOWN: Readonly<Record<string, EntityPolicy>> = {
  work_orders: STANDARD,
  alerts: { qos: 2, retain: true, lane: 'critical' },
  equipment: STANDARD,
  crew: STANDARD,
  maintenance: STANDARD,
  maintenance_schedules: STANDARD,
  conflicts: STANDARD,
};

/** What the name of an entity type looks like, for people. */
export const ENTITY_TYPE_FORM = '[a-z][a-z0-9_]{0,63}, not system or catchup';

/** Whether a text is the name of an entity type, and not one that is reserved. */
export const isEntityType = (text: string): boolean => ENTITY_TYPE.test(text) && !RESERVED.has(text);

/**
 * Checks the name of an entity type.
 * @throws {EntityTypeInvalidError} when it does not match `[a-z][a-z0-9_]{0,63}`, or is reserved.
 */
export function assertEntityType(entity: unknown): asserts entity is string {
  if (typeof entity !== 'string' || !ENTITY_TYPE.test(entity)) {
    const shown = typeof entity === 'string' ? JSON.stringify(entity.slice(0, 80)) : `a ${typeof entity}`;
    throw new EntityTypeInvalidError(
      `Entity type ${shown} is not valid: use a lower-case letter, then up to 63 lower-case letters, digits or underscores.`,
    );
  }
  if (RESERVED.has(entity)) {
    throw new EntityTypeInvalidError(
      `Entity type "${entity}" is reserved for the service's own topics; choose another name.`,
    );
  }
}

/** The policy of each entity type: the built-in ones, changed by the options. */
export class EntityPolicies {
  private readonly policies = new Map<string, EntityPolicy>();

  constructor(overrides: EntityPolicyOverrides = {}) {
    for (const [entity, policy] of Object.entries(KNOWN)) this.policies.set(entity, policy);
    for (const [entity, override] of Object.entries(overrides)) {
      const { qos, retain, lane } = this.of(entity);
      this.policies.set(entity, {
        qos: override.qos ?? qos,
        retain: override.retain ?? retain,
        lane: override.lane ?? lane,
      });
    }
  }

  /** The policy of an entity type; QoS 1, retained, `normal` for one that nobody configured. */
  of(entity: string): EntityPolicy {
    return this.policies.get(entity) ?? STANDARD;
  }

  /** The entity types that somebody thought of beforehand, built-in or in the options. */
  configured(): Iterable<readonly [entity: string, policy: EntityPolicy]> {
    return this.policies.entries();
  }
}
