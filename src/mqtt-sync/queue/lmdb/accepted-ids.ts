import type { AcceptedMessage } from '../message.js';
import { MAX_ACCEPTED_IDS } from '../message-store.js';
import { entryCount } from '../../store/lmdb-file.js';
import type { Databases } from './databases.js';
import { seal, unseal } from '../../store/sealed-records.js';

type AcceptedId = readonly [entity: string, sequence: number, position: number];

/** Remembers which given ids were accepted; of very many the oldest are forgotten. */
export class AcceptedIds {
  private first: number;
  private next: number;

  constructor(
    private readonly databases: Pick<Databases, 'acceptedIds' | 'acceptedOrder'>,
    private readonly limit = MAX_ACCEPTED_IDS,
  ) {
    const { acceptedOrder } = databases;
    const edge = (reverse: boolean) =>
      [...acceptedOrder.getKeys({ ...(reverse ? { reverse, start: 0xffffffff, end: 0 } : { start: 0 }), limit: 1 })][0];
    const count = entryCount(acceptedOrder);
    this.first = (count > 0 ? edge(false) : undefined) ?? 1;
    this.next = ((count > 0 ? edge(true) : undefined) ?? 0) + 1;
  }

  get(messageId: string): AcceptedMessage | undefined {
    const record = this.databases.acceptedIds.get(messageId);
    const opened = record && unseal<AcceptedId>(record);
    if (!opened) return undefined;
    const [entity, sequence, position] = opened.header;
    return { messageId, entity, sequence, position, repeated: false };
  }

  /** Writes of a commit that remember these ids (the promise of its batch tells whether they held), and `taken()` for then. */
  prepare(accepted: readonly AcceptedMessage[]): { readonly write: () => void; readonly taken: () => void } {
    const { acceptedIds, acceptedOrder } = this.databases;
    const values = accepted.map(({ entity, sequence, position }) => seal([entity, sequence, position]));
    const names = accepted.map(({ messageId }) => Buffer.from(messageId));
    const next = this.next + accepted.length;
    // What this commit itself has too many is forgotten by the next one.
    const first = Math.min(this.next, Math.max(this.first, next - this.limit));
    const forgotten = this.namesBetween(this.first, first);
    return {
      write: () => {
        for (const [order, name] of forgotten) {
          void acceptedIds.remove(name);
          void acceptedOrder.remove(order);
        }
        accepted.forEach(({ messageId }, index) => {
          void acceptedIds.put(messageId, values[index]!);
          void acceptedOrder.put(this.next + index, names[index]!);
        });
      },
      taken: () => {
        this.first = first;
        this.next = next;
      },
    };
  }

  private namesBetween(first: number, end: number): [order: number, name: string][] {
    if (first >= end) return [];
    const range = this.databases.acceptedOrder.getRange({ start: first, end });
    return [...range].map(({ key, value }) => [key, value.toString()]);
  }
}
