import type { ResolvedOptions } from '../resolve-options.js';

/** The options that concern the receiving side. */
export type ReceiverOptions = Pick<ResolvedOptions, 'inboundPrefix' | 'maxMessageBytes' | 'incoming'>;

/** JSON escapes and indentation of other senders can make a message larger than our own envelopes may be. */
const ESCAPES_FACTOR = 4;

/** The largest payload that is looked at. */
export const maxIncomingBytes = ({ maxMessageBytes }: Pick<ReceiverOptions, 'maxMessageBytes'>): number =>
  ESCAPES_FACTOR * maxMessageBytes;

/** A thousand ranges, as many as a vessel tells at once, take half of it, however small the changes are. */
const ENOUGH_FOR_GAPS = 128 * 1024;

/** The largest gap message that is looked at. */
export const maxGapBytes = (options: Pick<ReceiverOptions, 'maxMessageBytes'>): number =>
  Math.max(maxIncomingBytes(options), ENOUGH_FOR_GAPS);
