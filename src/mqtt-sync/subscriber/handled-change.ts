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

/** What recording a change works with. */
interface Parts {
  readonly inbox: Inbox;
  readonly events: Pick<SyncEvents, 'emit'>;
}

/** A change that its handlers are done with, until the inbox has recorded that. Its data need not stay in memory so long. */
export class HandledChange implements Entry {
  private readonly event: SyncEventMap['change_handled'];

  constructor(
    change: IncomingChange,
    stale: boolean,
    attempts: number,
    private readonly held: HeldChange,
    private readonly parts: Parts,
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

/**
 * A change that was handled under another number, until the inbox has recorded this one: a queue that was restored from a
 * backup numbers anew what it sends once more, and a number that is never recorded is missing, and asked for, for ever.
 */
export class RenumberedChange implements Entry {
  private readonly event: ChangeEvent;

  constructor(
    change: IncomingChange,
    private readonly held: HeldChange,
    private readonly parts: Parts,
  ) {
    this.event = describeChange(change);
  }

  enter(): Promise<void> {
    return this.parts.inbox.recordHandled(this.event, this.held.names);
  }

  recorded(): void {
    this.parts.events.emit('change_repeated', this.event);
    this.held.settle();
  }
}
