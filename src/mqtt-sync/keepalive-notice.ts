import type { ResolvedOptions } from './resolve-options.js';

/** What the slowest link that we count on carries in a second, with what else is on it. */
const SLOW_LINK_BYTES_PER_S = 3000;
/** A ping is sent when the interval is over and waits behind the message; MQTT.js waits half of one more for the answer. */
const INTERVALS = 1.5;

/**
 * What to say at the start of a keepalive that ends the connection while the largest message is still being sent: tried again
 * and again, the message would never get through, and hold up everything behind it. Undefined when all is well.
 */
export function keepaliveNotice({
  keepaliveS,
  maxMessageBytes,
}: Pick<ResolvedOptions, 'keepaliveS' | 'maxMessageBytes'>): string | undefined {
  const bytesPerKeepalive = INTERVALS * SLOW_LINK_BYTES_PER_S;
  if (keepaliveS * bytesPerKeepalive >= maxMessageBytes) return undefined;
  const neededRate = Math.ceil(maxMessageBytes / (INTERVALS * keepaliveS));
  return (
    `A message of maxMessageBytes (${maxMessageBytes}) gets through within the keepalive of ${keepaliveS} s only where the link ` +
    `carries ${neededRate} bytes a second; on a slower one it would hold up all others for ever. For a link of ` +
    `${SLOW_LINK_BYTES_PER_S} bytes a second set keepaliveS to ${Math.ceil(maxMessageBytes / bytesPerKeepalive)} or more, ` +
    `or maxMessageBytes to ${Math.floor(keepaliveS * bytesPerKeepalive)} or less.`
  );
}
