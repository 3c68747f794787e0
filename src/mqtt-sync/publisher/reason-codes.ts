/**
 * What the publisher makes of MQTT 5 reason codes (MQTT 5, section 2.4). Codes from 0x80 on are refusals.
 */

/** A refusal begins here. */
const FIRST_REFUSAL = 0x80;

/** The packet id of a PUBREL is not known to the broker: it has forgotten the exchange. */
export const PACKET_ID_NOT_FOUND = 0x92;

/** Refusals that say nothing against the message: the same message may be taken later. */
const PASSING: ReadonlySet<number> = new Set([
  0x80, // unspecified error
  0x83, // implementation specific error
  0x91, // packet identifier in use
  0x97, // quota exceeded
]);

/** Reasons of a DISCONNECT that speak of the packet just sent rather than of the connection. */
const ABOUT_A_MESSAGE: ReadonlySet<number> = new Set([
  0x81, // malformed packet
  0x82, // protocol error
  0x90, // topic name invalid
  0x95, // packet too large
  0x99, // payload format invalid
  0x9a, // retain not supported
  0x9b, // QoS not supported
]);

/** Reasons of a DISCONNECT that speak of the broker or the connection, never of a message. */
const ABOUT_THE_CONNECTION: ReadonlySet<number> = new Set([
  0x87, // not authorized (the connection's right was withdrawn)
  0x89, // server busy
  0x8b, // server shutting down
  0x8d, // keep alive timeout
  0x8e, // session taken over
  0x96, // message rate too high
  0x98, // administrative action
  0x9c, // use another server
  0x9d, // server moved
  0xa0, // maximum connect time
]);

export const isRefusal = (code: number): boolean => code >= FIRST_REFUSAL;
export const isPassingRefusal = (code: number): boolean => PASSING.has(code);
export const blamesAMessage = (code: number | undefined): boolean => code !== undefined && ABOUT_A_MESSAGE.has(code);
export const blamesTheConnection = (code: number | undefined): boolean =>
  code !== undefined && ABOUT_THE_CONNECTION.has(code);
