import type { InboundTopics } from './inbound-topics.js';
import { matchesFilter } from './topic-filter.js';
import type { Topics } from './topics.js';

/**
 * Where a vessel listens for requests to send changes again: under the prefix of its changes, where whoever heard them asks,
 * and under its inbound prefix, like all that is sent to it. One where the two are the same.
 */
export function requestFilters(own: Topics, inbound: InboundTopics): readonly string[] {
  const filters = [own.catchUpRequest, inbound.catchUpRequest];
  return matchesFilter(inbound.catchUpRequest, own.catchUpRequest) ? filters.slice(1) : filters;
}
