import { ProblemException } from '../http/problem.js';

/** Which dead letters to list. */
export interface DeadLetterPage {
  /** Those with a larger position. */
  readonly after: number;
  readonly limit: number;
}

const WHOLE_NUMBER = /^\d{1,15}$/;
const USUAL_LIMIT = 50;
const LARGEST_LIMIT = 200;

/**
 * Understands the query of a list.
 * @throws {ProblemException} 400
 */
export function toPage({ after, limit }: Readonly<Record<string, unknown>>): DeadLetterPage {
  const page = { after: numberIn('after', after, -1), limit: numberIn('limit', limit, USUAL_LIMIT) };
  if (page.limit < 1 || page.limit > LARGEST_LIMIT) throw wrong(`"limit" must be 1 to ${LARGEST_LIMIT}`);
  return page;
}

/**
 * Understands the position in a path.
 * @throws {ProblemException} 400
 */
export function toPosition(text: string): number {
  if (!WHOLE_NUMBER.test(text)) throw wrong('a dead letter is named by its position, a whole number');
  return Number(text);
}

/** A query may hold the same name twice, or what Express takes for an object. */
function numberIn(name: string, text: unknown, byDefault: number): number {
  if (text === undefined) return byDefault;
  if (typeof text !== 'string' || !WHOLE_NUMBER.test(text)) throw wrong(`"${name}" must be a whole number`);
  return Number(text);
}

function wrong(what: string): ProblemException {
  return new ProblemException(400, { code: 'REQUEST_INVALID', detail: `The request is not valid: ${what}.` });
}
