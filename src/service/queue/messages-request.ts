import { ENTITY_TYPE_FORM, isEntityType } from '../../mqtt-sync/wire/entity-policies.js';
import {
  assertParameters,
  invalidRequest,
  PAGE_PARAMETERS,
  type PageRequest,
  type Query,
  toPage,
} from '../http/page-request.js';

/** Which messages to show, and how much of each. */
export interface MessagesRequest extends PageRequest {
  readonly entity: string | undefined;
  /** Whether to show what the messages are to tell, too. */
  readonly payloads: boolean;
}

/**
 * Understands the query of a list of messages.
 * @throws {ProblemException} 400
 */
export function toMessagesRequest(query: Query): MessagesRequest {
  assertParameters(query, ['entity', 'payloads', ...PAGE_PARAMETERS]);
  const { payloads = 'false' } = query;
  if (payloads !== 'true' && payloads !== 'false') throw invalidRequest('"payloads" must be true or false');
  return { ...toPage(query), entity: entityIn(query), payloads: payloads === 'true' };
}

/**
 * Understands which messages are to be purged.
 * @throws {ProblemException} 400
 */
export function toPurgeRequest(query: Query): { readonly entity: string | undefined } {
  assertParameters(query, ['entity']);
  return { entity: entityIn(query) };
}

function entityIn({ entity }: Query): string | undefined {
  if (entity === undefined || (typeof entity === 'string' && isEntityType(entity))) return entity;
  throw invalidRequest(`"entity" must be one entity type: ${ENTITY_TYPE_FORM}`);
}
