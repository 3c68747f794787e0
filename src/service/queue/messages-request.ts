import { type PageRequest, toPage } from '../http/page-request.js';
import { ProblemException } from '../http/problem.js';

/** Which messages to show, and how much of each. */
export interface MessagesRequest extends PageRequest {
  readonly entity: string | undefined;
  /** Whether to show what the messages are to tell, too. */
  readonly payloads: boolean;
}

type Query = Readonly<Record<string, unknown>>;

/**
 * Understands the query of a list of messages.
 * @throws {ProblemException} 400
 */
export function toMessagesRequest(query: Query): MessagesRequest {
  const { payloads = 'false' } = query;
  if (payloads !== 'true' && payloads !== 'false') throw wrong('"payloads" must be true or false');
  return { ...toPage(query), entity: entityIn(query), payloads: payloads === 'true' };
}

/**
 * Understands which messages are to be purged. Unlike elsewhere what is not known is an error: a slip of the pen would
 * purge everything.
 * @throws {ProblemException} 400
 */
export function toPurgeRequest(query: Query): { readonly entity: string | undefined } {
  const unknown = Object.keys(query).find((name) => name !== 'entity');
  if (unknown !== undefined) throw wrong(`only "entity" can choose what is purged, not "${unknown.slice(0, 40)}"`);
  return { entity: entityIn(query) };
}

function entityIn({ entity }: Query): string | undefined {
  if (entity === undefined || (typeof entity === 'string' && entity !== '')) return entity;
  throw wrong('"entity" must be one entity type');
}

function wrong(what: string): ProblemException {
  return new ProblemException(400, { code: 'REQUEST_INVALID', detail: `The request is not valid: ${what}.` });
}
