import type { IncomingChange } from '../wire/incoming-change.js';
import { type EntityPattern, isWildcard } from '../wire/inbound-topics.js';
import { MAX_ENTITY_TYPES } from '../wire/entity-policies.js';
import type { Circumstances } from './circumstances.js';

/**
 * Handles one change. It has succeeded when what it returns (a promise, an observable, anything) has; what it throws makes
 * it be tried again.
 */
export type ChangeHandler = (change: IncomingChange, circumstances: Circumstances) => unknown;

/** A handler and what it is for. */
export interface Registration {
  readonly pattern: EntityPattern;
  readonly handler: ChangeHandler;
}

/** Who handles what. */
export class HandlerRegistry {
  private readonly registrations = new Map<EntityPattern, Set<Registration>>();
  /** What was found for an entity type, until the next registration comes or goes. */
  private readonly found = new Map<string, readonly Registration[]>();

  add(registration: Registration): void {
    const same = this.registrations.get(registration.pattern) ?? new Set();
    this.registrations.set(registration.pattern, same.add(registration));
    this.found.clear();
  }

  remove(registration: Registration): void {
    const same = this.registrations.get(registration.pattern);
    same?.delete(registration);
    if (same?.size === 0) this.registrations.delete(registration.pattern);
    this.found.clear();
  }

  /** Everybody who handles changes of an entity type. */
  matching(entity: string): readonly Registration[] {
    const known = this.found.get(entity);
    if (known) return known;
    const matching = [entity, '+', '#'].flatMap((pattern) => [...(this.registrations.get(pattern) ?? [])]);
    // Whoever makes up entity types must not fill the memory.
    if (this.found.size < MAX_ENTITY_TYPES) this.found.set(entity, matching);
    return matching;
  }

  /** The patterns to subscribe to: one that stands for all covers the others. */
  get patterns(): readonly EntityPattern[] {
    const patterns = [...this.registrations.keys()];
    return patterns.some(isWildcard) ? ['+'] : patterns;
  }
}
