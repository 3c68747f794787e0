import type { ChangeEvent, SyncEventMap, SyncEvents } from '../sync-events.js';
import type { IncomingChange } from '../wire/incoming-change.js';
import type { HeldChange } from './held-changes.js';
import type { Inbox } from './inbox/inbox.js';
import type { Entry } from './inbox-writer.js';

/** What an event says of a change. */
export function describeChange(change: IncomingChange): ChangeEvent {
  const { topic, form, retained, replayed, entity, operation, key, messageId, vesselId, epoch, sequence } = change;
  return { topic, form, retained, replayed, entity, operation, key, messageId, vesselId, epoch, sequence };
}

/** A change that its handlers are done with, until the inbox has recorded that. Its data need not stay in memory so long. */
export class HandledChange implements Entry {
  private readonly event: SyncEventMap['change_handled'];

  constructor(
    change: IncomingChange,
    stale: boolean,
    attempts: number,
    private readonly held: HeldChange,
    private readonly parts: { readonly inbox: Inbox; readonly events: Pick<SyncEvents, 'emit'> },
  ) {
    this.event = Object.assign(describeChange(change), { stale, attempts });
  }

  enter(): Promise<void> {
    return this.parts.inbox.recordHandled(this.event, this.held.names);
  }

  recorded(): void {
    this.parts.events.emit('change_handled', this.event);
    this.held.settle();
  }
}
