import type { SequenceRange } from './sequence-ranges.js';

/** Sequence numbers from `from` to `to`, both included. */
export type Span = Pick<SequenceRange, 'from' | 'to'>;

/** What of some spans is in none of the others; both in order and without overlap. */
export function subtractSpans(spans: readonly Span[], others: readonly Span[]): Span[] {
  const left: Span[] = [];
  let at = 0;
  for (const { from, to } of spans) {
    let next = from;
    while (at < others.length && others[at]!.to < from) at++;
    for (let index = at; index < others.length && others[index]!.from <= to; index++) {
      const other = others[index]!;
      if (other.from > next) left.push({ from: next, to: other.from - 1 });
      next = Math.max(next, other.to + 1);
    }
    if (next <= to) left.push({ from: next, to });
  }
  return left;
}

/** Numbers as spans. */
export function spansOf(numbers: Iterable<number>): Span[] {
  const spans: Span[] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last && number <= last.to + 1) spans[spans.length - 1] = { from: last.from, to: number };
    else spans.push({ from: number, to: number });
  }
  return spans;
}

/** What of some spans lies between two numbers, both included. */
export function clip(spans: readonly Span[], from: number, to: number): Span[] {
  return spans
    .filter((span) => span.to >= from && span.from <= to)
    .map((span) => ({ from: Math.max(span.from, from), to: Math.min(span.to, to) }));
}

/** How many numbers spans have that do not overlap. */
export const countOf = (spans: readonly Span[]): number => spans.reduce((sum, { from, to }) => sum + to - from + 1, 0);
