import { createHash } from 'node:crypto';
import type { StreamId } from '../../wire/incoming-change.js';
import type { ChangeIdentity, ChangeNames } from './inbox.js';

/** A key of LMDB may have 1,978 bytes. What vessels of other makers send may be of any length. */
const LONGEST_NAME = 600;

/** A control character: ids and keys rarely have one, and JSON text takes it as it is. */
const SEPARATOR = '\u007f';

/** Joins what a thing is known by. Ids that begin with their time, as UUIDv7 do, lie together, and are soon written. */
function join(...parts: readonly string[]): string {
  let name = '';
  let isPlain = true;
  // Done several times for every change: no `join()`, no callbacks.
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index]!;
    isPlain &&= !part.includes(SEPARATOR);
    name = index === 0 ? part : name + SEPARATOR + part;
  }
  if (isPlain && name.length <= LONGEST_NAME) return name;
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** Vessels give ids of their own, so an id alone names nothing. */
function idName({ vesselId, messageId }: ChangeIdentity): string | undefined {
  return messageId === undefined ? undefined : join(vesselId ?? '', messageId);
}

function keyName({ vesselId, entity, key }: ChangeIdentity): string {
  return join(vesselId ?? '', entity, key ?? '');
}

export function groupName({ vesselId, entity }: Pick<StreamId, 'vesselId' | 'entity'>): string {
  return join(vesselId, entity);
}

/** Both names at once, for whoever asks for them again and again: a name that was looked up before is looked up faster. */
export const namesOf = (change: ChangeIdentity): ChangeNames => ({ id: idName(change), key: keyName(change) });

export function streamName({ vesselId, entity, epoch }: StreamId): string {
  return join(vesselId, entity, String(epoch));
}
