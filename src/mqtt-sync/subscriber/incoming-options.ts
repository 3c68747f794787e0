import type { ResolvedOptions } from '../resolve-options.js';

/** The options that concern the receiving side. */
export type ReceiverOptions = Pick<ResolvedOptions, 'inboundPrefix' | 'maxMessageBytes' | 'incoming'>;

/** JSON escapes and indentation of other senders can make a message larger than our own envelopes may be. */
const ESCAPES_FACTOR = 4;

/** The largest payload that is looked at. */
export const maxIncomingBytes = ({ maxMessageBytes }: ReceiverOptions): number => ESCAPES_FACTOR * maxMessageBytes;
