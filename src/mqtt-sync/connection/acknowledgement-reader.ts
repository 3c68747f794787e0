import type { Acknowledgement } from './link.js';

/** Packet types that end or carry on an exchange of ours, by the first byte of the packet (MQTT 5, section 2.1.2). */
const TYPES: Readonly<Record<number, Acknowledgement['type']>> = { 0x40: 'puback', 0x50: 'pubrec', 0x70: 'pubcomp' };

const ANSWERS_TO_PUBLISH: ReadonlySet<number> = new Set([0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]);
const ANSWERS_TO_PUBREL: ReadonlySet<number> = new Set([0, 0x92]);

/** Type, up to four bytes of remaining length, packet id, reason code. */
const HEAD_BYTES = 8;

/** Most acknowledgements have no reason code (section 3.4.2.1), and a flood of them is passed over four bytes at a time. */
const SHORT_LENGTH = 2;
const SHORT_BYTES = 4;

/** Where the variable header of a packet begins; 0 while the remaining length before it is not complete (section 1.5.5). */
const bodyOf = (head: readonly number[]): number => head.findIndex((byte, at) => at > 0 && byte < 0x80) + 1;

/** The end of a packet, counted from its first byte; undefined while its remaining length is not complete. */
function endOf(head: readonly number[]): number | undefined {
  const body = bodyOf(head);
  if (body === 0) return undefined;
  return body + head.slice(1, body).reduceRight((length, byte) => length * 128 + (byte & 0x7f), 0);
}

/**
 * Reads along with the parser of MQTT.js on a connection of MQTT 5, for one case: an acknowledgement whose reason code
 * MQTT does not allow there (sections 3.4.2.1, 3.5.2.1, 3.7.2.1). The parser gives up on it without saying whose it was, and
 * the connection is over; so its message would be sent, and end the connection, for ever.
 */
export class AcknowledgementReader {
  private head: number[] = [];
  private end: number | undefined;
  private seen = 0;
  private found: Acknowledgement | undefined;

  /** The first acknowledgement with a code that is not allowed. */
  get disallowed(): Acknowledgement | undefined {
    return this.found;
  }

  read(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.found;) {
      if (this.head.length === 0 && chunk[at + 1] === SHORT_LENGTH && at + SHORT_BYTES <= chunk.length) {
        at += SHORT_BYTES;
      } else if (this.end === undefined || (this.head.length < HEAD_BYTES && this.seen < this.end)) {
        this.head.push(chunk[at]!);
        this.end ??= endOf(this.head);
        this.seen++;
        at++;
      } else {
        const skipped = Math.min(this.end - this.seen, chunk.length - at);
        this.seen += skipped;
        at += skipped;
      }
      if (this.seen === this.end) this.finish();
    }
  }

  private finish(): void {
    const type = TYPES[this.head[0]!];
    const [high = 0, low = 0, reasonCode = 0] = this.head.slice(bodyOf(this.head));
    const allowed = type === 'pubcomp' ? ANSWERS_TO_PUBREL : ANSWERS_TO_PUBLISH;
    if (type && !allowed.has(reasonCode)) this.found = { type, packetId: high * 256 + low, reasonCode };
    this.head = [];
    this.end = undefined;
    this.seen = 0;
  }
}
