import { resealEnvelope } from '../../wire/envelope.js';
import { type SequenceRange, SequenceRanges } from '../../wire/sequence-ranges.js';
import type { MessageKey, StoreContents, StoredDeadLetter, TypeRecord } from '../message-store.js';
import type { QueuedMessage } from '../message.js';
import type { QueueIdentity } from '../sync-queue.js';
import { AcceptedIds } from './accepted-ids.js';
import { asKey, type Databases } from './databases.js';
import { deadLetterKeys, messageKeys } from './keys.js';
import { decodeDeadLetter, decodeMessage, encodeDeadLetter, encodeMessage } from './records.js';
import { Renumbering } from './renumbering.js';
import { seal } from '../../store/sealed-records.js';
import { encodeGaps, encodeType, writeIdentity } from './store-contents.js';

/**
 * Gives everything that is stored a new epoch, in one transaction: messages and dead letters keep their ids, places and
 * data; sequences begin at 1 again. What was delivered is forgotten: nobody may ask a new epoch for it.
 */
export function renewEpoch(
  databases: Databases,
  { types, gaps }: Pick<StoreContents, 'types' | 'gaps'>,
  identity: QueueIdentity,
): void {
  databases.root.transactionSync(() => {
    databases.journal.clearSync();
    const letters = lettersOf(databases, types);
    const ids = new AcceptedIds(databases);
    for (const type of types) {
      const ofType = letters.filter(({ key }) => key.type === type.number);
      new TypeRenewal(databases, ids, type, identity.epoch).renew(ofType, gaps.get(type.entity) ?? []);
    }
    writeIdentity(databases, identity);
  });
}

function lettersOf({ deadLetters }: Databases, types: readonly TypeRecord[]): StoredDeadLetter[] {
  const entities = new Map(types.map(({ number, entity }) => [number, entity]));
  // Without a start lmdb finds nothing under keys of our own encoding.
  const range = { start: asKey([0, 0, 0]), end: asKey([2 ** 48 - 1, 0, 0]) };
  return [...deadLetters.getRange(range)].map(({ key, value }) => {
    const messageKey = deadLetterKeys.read(key);
    return decodeDeadLetter(messageKey, entities.get(messageKey.type) ?? '', value);
  });
}

/** Gives one entity type a new epoch. */
class TypeRenewal {
  constructor(
    private readonly databases: Databases,
    private readonly ids: AcceptedIds,
    private readonly type: TypeRecord,
    private readonly epoch: number,
  ) {}

  renew(letters: readonly StoredDeadLetter[], gaps: readonly SequenceRange[]): void {
    const { type } = this;
    // All of them before the first is written: a cursor would meet what was written behind it.
    const keys = this.messageKeys();
    const sequences = [...keys, ...letters.map(({ key }) => key)].map(({ sequence }) => sequence);
    const numbers = new Renumbering(sequences, gaps);
    let bytes = 0;
    for (const key of keys) bytes += this.renewMessage(key, numbers.of(key.sequence));
    for (const letter of letters) this.renewLetter(letter, numbers.of(letter.key.sequence));
    const told = new SequenceRanges(numbers.gapsOf(gaps));
    // Under the old number it may have been told already; the new one will not come either.
    for (const { key, raw } of letters) if (raw) told.add(numbers.of(key.sequence), 'corrupt');
    const { databases } = this;
    if (told.isEmpty) databases.gaps.removeSync(type.entity);
    else databases.gaps.putSync(type.entity, encodeGaps(told.toArray()));
    const renewed = { ...type, sequence: numbers.newest, messages: keys.length, bytes };
    databases.types.putSync(type.entity, encodeType(renewed));
  }

  private messageKeys(): MessageKey[] {
    const { number } = this.type;
    const range = { start: asKey([number, 0, 0]), end: asKey([number + 1, 0, 0]) };
    return [...this.databases.messages.getKeys(range)].map((key) => messageKeys.read(key));
  }

  /** @returns the bytes of its payload; those of a damaged record, which is found when it is its turn, count as nothing. */
  private renewMessage(key: MessageKey, sequence: number): number {
    const { messages } = this.databases;
    const record = messages.get(asKey(messageKeys.of(key)))!;
    const { message } = decodeMessage(key, record);
    messages.removeSync(asKey(messageKeys.of(key)));
    const renewed = message && this.renewed(message, sequence);
    messages.putSync(asKey(messageKeys.of({ ...key, sequence })), renewed ? encodeMessage(renewed) : record);
    return renewed?.payload.length ?? 0;
  }

  private renewLetter({ key, letter, raw }: StoredDeadLetter, sequence: number): void {
    const { deadLetters } = this.databases;
    deadLetters.removeSync(asKey(deadLetterKeys.of(key)));
    const newKey = { ...key, sequence };
    const message = letter.message && this.renewed(letter.message, sequence);
    const renewed = { key: newKey, letter: { ...letter, sequence, message }, raw };
    deadLetters.putSync(asKey(deadLetterKeys.of(newKey)), encodeDeadLetter(renewed));
  }

  private renewed(message: QueuedMessage, sequence: number): QueuedMessage {
    this.rememberId(message, sequence);
    return { ...message, sequence, payload: resealEnvelope(message.payload, this.epoch, sequence) };
  }

  /** So that a repeat of the call that accepted it is told the truth about it. */
  private rememberId({ messageId, entity, position }: QueuedMessage, sequence: number): void {
    const known = this.ids.get(messageId);
    if (known?.position === position) this.databases.acceptedIds.putSync(messageId, seal([entity, sequence, position]));
  }
}
