/**
 * The first index of a sorted row that `isReached` is true for, `end` when there is none: by halving, as a row may be long.
 * @param isReached false for all indexes before some one, true from there on.
 */
export function lowerBound(start: number, end: number, isReached: (index: number) => boolean): number {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isReached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
