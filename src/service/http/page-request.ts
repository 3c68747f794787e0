import { ProblemException } from './problem.js';

/** The query of a request, as Express understands it. */
export type Query = Readonly<Record<string, unknown>>;

/** Which part of a list to show: of things that are named by a position. */
export interface PageRequest {
  /** Those with a larger position. */
  readonly after: number;
  readonly limit: number;
}

const WHOLE_NUMBER = /^\d{1,15}$/;
const USUAL_LIMIT = 50;
const LARGEST_LIMIT = 200;

/** What every list understands. */
export const PAGE_PARAMETERS = ['after', 'limit'] as const;

/**
 * Understands which part of a list a query asks for.
 * @throws {ProblemException} 400
 */
export function toPage({ after, limit }: Query): PageRequest {
  const page = { after: numberIn('after', after, -1), limit: numberIn('limit', limit, USUAL_LIMIT) };
  if (page.limit < 1 || page.limit > LARGEST_LIMIT) throw invalidRequest(`"limit" must be 1 to ${LARGEST_LIMIT}`);
  return page;
}

/**
 * Sees that there is nothing in a query that nobody would look at: a slip of the pen would list, or purge, everything.
 * @throws {ProblemException} 400
 */
export function assertParameters(query: Query, known: readonly string[]): void {
  const unknown = Object.keys(query).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw invalidRequest(`unknown parameter ${JSON.stringify(unknown.slice(0, 40))}; known are ${known.join(', ')}`);
}

/**
 * Understands the position in a path.
 * @throws {ProblemException} 400
 */
export function toPosition(what: string, text: string): number {
  if (!WHOLE_NUMBER.test(text)) throw invalidRequest(`a ${what} is named by its position, a whole number`);
  return Number(text);
}

/**
 * One page of a list, and where the next one begins; `next` is absent on the last.
 * @param isFull asked after each item: whether the page ends before `limit`
 */
export function pageOf<Item extends { readonly position: number }>(
  items: Iterable<Item>,
  limit: number,
  isFull: (item: Item) => boolean = () => false,
): { readonly items: readonly Item[]; readonly next?: number } {
  const page: Item[] = [];
  let ends = false;
  for (const item of items) {
    if (ends || page.length === limit) return { items: page, next: page.at(-1)!.position };
    page.push(item);
    ends = isFull(item);
  }
  return { items: page };
}

/** A query may hold the same name twice, or what Express takes for an object. */
function numberIn(name: string, text: unknown, byDefault: number): number {
  if (text === undefined) return byDefault;
  if (typeof text !== 'string' || !WHOLE_NUMBER.test(text)) throw invalidRequest(`"${name}" must be a whole number`);
  return Number(text);
}

/** A query or a path that makes no sense. */
export function invalidRequest(what: string): ProblemException {
  return new ProblemException(400, { code: 'REQUEST_INVALID', detail: `The request is not valid: ${what}.` });
}
