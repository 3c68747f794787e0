import { type ChangeEvent, type SyncEvents } from '../sync-events.js';
import { type IncomingChange } from '../wire/incoming-change.js';
import { type Inbox } from './inbox/inbox.js';
import { type Entry } from './inbox-writer.js';
import { type PendingChange } from './held-changes.js';

/** What an event says of a change. */
export function describeChange(change: IncomingChange): ChangeEvent {
  const { topic, form, replayed, entity, operation, key, messageId, vesselId, epoch, sequence } = change;
  return { topic, form, replayed, entity, operation, key, messageId, vesselId, epoch, sequence };
}

/** A change that its handlers are done with, until the inbox has recorded that. */
export class HandledChange implements Entry {
  constructor(
    private readonly pending: PendingChange,
    private readonly stale: boolean,
    private readonly attempts: number,
    private readonly parts: { readonly inbox: Inbox; readonly events: Pick<SyncEvents, 'emit'> },
  ) {}

  enter(): Promise<void> {
    return this.parts.inbox.recordHandled(this.pending.change);
  }

  recorded(): void {
    const { pending, stale, attempts } = this;
    const { topic, form, replayed, entity, operation, key, messageId, vesselId, epoch, sequence } = pending.change;
    // Not by spreading `describeChange()`: this is done for every change.
    const event = { topic, form, replayed, entity, operation, key, messageId, vesselId, epoch, sequence, stale, attempts };
    this.parts.events.emit('change_handled', event);
    pending.settle();
  }
}
