import { v7 as uuidv7 } from 'uuid';

/** Of each id, as `uuid` takes them. */
const RANDOM_BYTES = 16;
/** Ids that share one call for random numbers, which costs as much as the rest of several ids. */
const IDS_PER_CALL = 256;

/** Makes message ids: UUIDv7 (RFC 9562, section 5.7), which sort by the millisecond in which they were made. */
export class MessageIds {
  private readonly random = new Uint8Array(RANDOM_BYTES * IDS_PER_CALL);
  private used = this.random.length;

  next(): string {
    if (this.used === this.random.length) {
      crypto.getRandomValues(this.random);
      this.used = 0;
    }
    const random = this.random.subarray(this.used, this.used + RANDOM_BYTES);
    this.used += RANDOM_BYTES;
    return uuidv7({ random });
  }
}
