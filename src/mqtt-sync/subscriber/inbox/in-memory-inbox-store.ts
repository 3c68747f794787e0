import type { ParkedMessage } from './inbox.js';
import type { HandledRecord, InboxCommit, InboxContents, InboxStore, LastHandled } from './inbox-store.js';

/** Keeps everything in memory: nothing outlives the process. The streams are in the memory of the inbox anyway. */
export class InMemoryInboxStore implements InboxStore {
  readonly durable = false;
  private readonly ids = new Set<string>();
  private readonly lasts = new Map<string, LastHandled>();
  private readonly handled = new Map<number, HandledRecord>();
  private readonly parked = new Map<number, ParkedMessage>();

  open(): Promise<InboxContents> {
    return Promise.resolve({ streams: [], handled: 0, lastOrder: 0, parked: [], lastPosition: 0 });
  }

  hasId(name: string): boolean {
    return this.ids.has(name);
  }

  lastId(beginning: string): string | undefined {
    let last: string | undefined;
    for (const name of this.ids) if (name.startsWith(beginning) && (last === undefined || name > last)) last = name;
    return last;
  }

  lastHandled(name: string): LastHandled | undefined {
    return this.lasts.get(name);
  }

  oldestHandled(limit: number): HandledRecord[] {
    const oldest: HandledRecord[] = [];
    for (const record of this.handled.values()) {
      if (oldest.length >= limit) break;
      oldest.push(record);
    }
    return oldest;
  }

  parkedAt(position: number): ParkedMessage | undefined {
    return this.parked.get(position);
  }

  commit({ handled, lasts, forgotten, parked, unparked }: InboxCommit): Promise<void> {
    for (const { order, idName, keyName } of forgotten) {
      this.handled.delete(order);
      if (idName !== undefined) this.ids.delete(idName);
      if (keyName !== undefined && this.lasts.get(keyName)?.order === order) this.lasts.delete(keyName);
    }
    for (const record of handled) {
      this.handled.set(record.order, record);
      if (record.idName !== undefined) this.ids.add(record.idName);
    }
    for (const [name, last] of lasts) this.lasts.set(name, last);
    for (const message of parked) this.parked.set(message.position, message);
    for (const position of unparked) this.parked.delete(position);
    return Promise.resolve();
  }

  abandonOpening(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}
