/** The message, or the dead letter, at a position; undefined when it is not there. */
export function itemAt<Item extends { readonly position: number }>(
  itemsAfter: (position: number) => Iterable<Item>,
  position: number,
): Item | undefined {
  for (const item of itemsAfter(position - 1)) return item.position === position ? item : undefined;
  return undefined;
}
