import type { MessageEvent, SyncEvents } from '../mqtt-sync/sync-events.js';
import type { LogFields, SyncLogger } from '../mqtt-sync/logger.js';

/** Category of the lines on single messages. */
export const MESSAGE_CATEGORY = 'Messages';

/** Follows every message through the service, a debug line for each step: to be searched by message id. No data of a change. */
export function logMessages(events: SyncEvents, logger: SyncLogger): void {
  const tell = (step: string, event: MessageEvent, more: LogFields = {}) => {
    const { messageId, entity, sequence } = event;
    logger.debug(`${step}: ${messageId} (${entity}, sequence ${sequence})`, { messageId, entity, sequence, ...more });
  };
  events
    .on('message_accepted', (event) => tell('Accepted', event))
    .on('message_queued', (event) => tell(`Has to wait (${event.reason})`, event))
    .on('message_published', (event) => {
      const { latencyMs, possibleDuplicate } = event;
      tell(`Delivered${possibleDuplicate ? ', perhaps twice,' : ''} after ${latencyMs} ms`, event, { latencyMs });
    })
    .on('message_dropped', (event) => tell(`Dropped (${event.reason})`, event))
    .on('message_retried', (event) => tell('Back in the queue', event));
}
