import { type HandledRecord, type InboxStore, type LastHandled } from './inbox-store.js';

/** Names of each kind, about 100 bytes each. */
const MAX_NAMES = 4096;

/**
 * Spares the store what was looked up a moment ago: an id is looked up before its handler runs and again when it is recorded,
 * and most changes are of keys that have changed before.
 */
export class CachedLookups {
  /** The newest of each key, as committed. */
  private readonly lasts = new Map<string, LastHandled | undefined>();
  /** Ids that the store does not have. */
  private readonly strangers = new Set<string>();

  constructor(private readonly store: Pick<InboxStore, 'hasId' | 'lastHandled'>) {}

  hasId(name: string): boolean {
    if (this.strangers.has(name)) return false;
    if (this.store.hasId(name)) return true;
    if (this.strangers.size >= MAX_NAMES) this.strangers.clear();
    this.strangers.add(name);
    return false;
  }

  lastHandled(name: string): LastHandled | undefined {
    if (this.lasts.has(name)) return this.lasts.get(name);
    const last = this.store.lastHandled(name);
    this.remember(name, last);
    return last;
  }

  /** An id is going to be committed. */
  idEntered(name: string): void {
    this.strangers.delete(name);
  }

  /** Called when a commit is safe. */
  committed(lasts: ReadonlyMap<string, LastHandled>, forgotten: readonly HandledRecord[]): void {
    for (const { keyName } of forgotten) if (keyName !== undefined) this.lasts.delete(keyName);
    for (const [name, last] of lasts) this.remember(name, last);
  }

  private remember(name: string, last: LastHandled | undefined): void {
    if (this.lasts.size >= MAX_NAMES) this.lasts.clear();
    this.lasts.set(name, last);
  }
}
