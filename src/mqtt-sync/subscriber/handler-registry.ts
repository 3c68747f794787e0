import { type IncomingChange } from '../wire/incoming-change.js';
import { type EntityPattern, isWildcard } from '../wire/inbound-topics.js';
import { type Circumstances } from './circumstances.js';

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

  add(registration: Registration): void {
    const same = this.registrations.get(registration.pattern) ?? new Set();
    this.registrations.set(registration.pattern, same.add(registration));
  }

  remove(registration: Registration): void {
    const same = this.registrations.get(registration.pattern);
    same?.delete(registration);
    if (same?.size === 0) this.registrations.delete(registration.pattern);
  }

  /** Everybody who handles changes of an entity type. */
  matching(entity: string): readonly Registration[] {
    return [entity, '+', '#'].flatMap((pattern) => [...(this.registrations.get(pattern) ?? [])]);
  }

  /** The patterns to subscribe to: one that stands for all covers the others. */
  get patterns(): readonly EntityPattern[] {
    const patterns = [...this.registrations.keys()];
    return patterns.some(isWildcard) ? ['+'] : patterns;
  }
}
