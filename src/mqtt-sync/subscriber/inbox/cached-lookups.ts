import type { HandledRecord, InboxStore, LastHandled } from './inbox-store.js';

/** Names of each kind, about 100 bytes each. */
const MAX_NAMES = 4096;

/** Ends a name whose id rises with time, a UUIDv7 (RFC 9562, section 5.7). */
const RISING = /\u007f[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const UUID_LENGTH = 36;

/**
 * Spares the store what was looked up a moment ago: an id is looked up before its handler runs and again when it is recorded,
 * and most changes are of keys that have changed before.
 */
export class CachedLookups {
  /** The newest of each key, as committed. */
  private readonly lasts = new Map<string, LastHandled | undefined>();
  /** Ids that the store does not have. */
  private readonly strangers = new Set<string>();

  /** The last id of each vessel, entered or stored, by how their names begin. */
  private readonly lastIds = new Map<string, string>();

  constructor(private readonly store: Pick<InboxStore, 'hasId' | 'lastId' | 'lastHandled'>) {}

  hasId(name: string): boolean {
    if (this.strangers.has(name)) return false;
    if (!this.isBehindAll(name) && this.store.hasId(name)) return true;
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
    if (this.isBehindAll(name)) this.lastIds.set(name.slice(0, -UUID_LENGTH), name);
  }

  /** Called when a commit is safe. */
  committed(lasts: ReadonlyMap<string, LastHandled>, forgotten: readonly HandledRecord[]): void {
    for (const { keyName } of forgotten) if (keyName !== undefined) this.lasts.delete(keyName);
    for (const [name, last] of lasts) this.remember(name, last);
  }

  /** Whether a name is of a rising id, and comes after every id of its vessel that was ever entered: most new ones do. */
  private isBehindAll(name: string): boolean {
    if (!RISING.test(name)) return false;
    const beginning = name.slice(0, -UUID_LENGTH);
    let last = this.lastIds.get(beginning);
    if (last === undefined) {
      // Never forgotten: what is entered and not yet committed is in no store.
      if (this.lastIds.size >= MAX_NAMES) return false;
      last = this.store.lastId(beginning) ?? '';
      this.lastIds.set(beginning, last);
    }
    return name > last;
  }

  private remember(name: string, last: LastHandled | undefined): void {
    if (this.lasts.size >= MAX_NAMES) this.lasts.clear();
    this.lasts.set(name, last);
  }
}
