import { invalidRequest, type PageRequest, toPage } from '../http/page-request.js';

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
  if (payloads !== 'true' && payloads !== 'false') throw invalidRequest('"payloads" must be true or false');
  return { ...toPage(query), entity: entityIn(query), payloads: payloads === 'true' };
}

/**
 * Understands which messages are to be purged. Unlike elsewhere what is not known is an error: a slip of the pen would
 * purge everything.
 * @throws {ProblemException} 400
 */
export function toPurgeRequest(query: Query): { readonly entity: string | undefined } {
  const unknown = Object.keys(query).find((name) => name !== 'entity');
  if (unknown !== undefined)
    throw invalidRequest(`only "entity" can choose what is purged, not "${unknown.slice(0, 40)}"`);
  return { entity: entityIn(query) };
}

function entityIn({ entity }: Query): string | undefined {
  if (entity === undefined || (typeof entity === 'string' && entity !== '')) return entity;
  throw invalidRequest('"entity" must be one entity type');
}
