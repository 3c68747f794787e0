import type { StoreEvent } from './store-trace.js';

type Write = Extract<StoreEvent, { kind: 'write' }>;

/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512;

/**
 * A file on a disk whose power can go: what was synced is there for good, of everything else any sector may or may not
 * be.
 */
export class DiskModel {
  private image: Buffer = Buffer.alloc(0);
  private pending: Write[] = [];

  apply(event: StoreEvent): void {
    if (event.kind === 'write' && event.isSynchronous) this.image = written(this.image, event);
    else if (event.kind === 'write') this.pending.push(event);
    else if (event.kind === 'sync') this.sync(event.begun);
  }

  /** The file if nothing but what was synced survives. */
  get synced(): Buffer {
    return Buffer.from(this.image);
  }

  /** The file if of the rest every sector survives with the chance of a coin. */
  torn(random: () => number = Math.random): Buffer {
    let image = this.synced;
    for (const { offset, data } of this.pending) {
      for (let at = 0; at < data.length; at += SECTOR_BYTES) {
        const sector = data.subarray(at, at + SECTOR_BYTES);
        if (random() < 0.5) image = written(image, { offset: offset + at, data: sector });
      }
    }
    return image;
  }

  /** A sync covers the writes that had returned when it began. */
  private sync(begun: number): void {
    const covered = this.pending.filter((write) => write.ended < begun);
    this.pending = this.pending.filter((write) => write.ended >= begun);
    for (const write of covered) this.image = written(this.image, write);
  }
}

function written(image: Buffer, { offset, data }: Pick<Write, 'offset' | 'data'>): Buffer {
  const end = offset + data.length;
  const longer = end > image.length ? Buffer.concat([image, Buffer.alloc(end - image.length)]) : image;
  data.copy(longer, offset);
  return longer;
}
