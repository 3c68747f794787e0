import { type QueuedMessage } from './message.js';

interface Head {
  readonly rest: Iterator<QueuedMessage>;
  first: QueuedMessage;
}

/** Merges messages that are each in the order of their positions into one such order, read as they are asked for. */
export function* byPosition(sources: readonly Iterable<QueuedMessage>[]): Generator<QueuedMessage> {
  const heads = sources.flatMap((source): Head[] => {
    const rest = source[Symbol.iterator]();
    const next = rest.next();
    return next.done ? [] : [{ rest, first: next.value }];
  });
  while (heads.length > 0) {
    const head = heads.reduce((oldest, other) => (other.first.position < oldest.first.position ? other : oldest));
    yield head.first;
    const next = head.rest.next();
    if (next.done) heads.splice(heads.indexOf(head), 1);
    else head.first = next.value;
  }
}
