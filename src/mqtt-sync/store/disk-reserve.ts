import { randomBytes } from 'node:crypto';
import { rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { withFile } from './durable-files.js';

const MIB = 1024 * 1024;
/** What removals need on a full disk: LMDB writes a changed page anew before it can use the old one again. */
const RESERVE_BYTES = 8 * MIB;
/**
 * What must be free besides the reserve for the disk to count as not full: twice the largest commit, because of the
 * pages around its messages. Otherwise a nearly full disk would be taken for healthy, and fail, again and again.
 */
const MARGIN_BYTES = 16 * MIB;

/** How many bytes are free on the disk of a folder. */
export type FreeBytesIn = (dir: string) => Promise<number>;

/**
 * Sees that removals can be committed when the disk is full: by a file that takes up room, to be given up then. A store
 * that was full once is a large file with room inside; where that is enough, it does as well as the file.
 */
export class DiskReserve {
  private isThere: boolean | undefined;

  constructor(
    private readonly path: string,
    private readonly freeBytesIn: FreeBytesIn = freeBytesOf,
  ) {}

  /**
   * Rejects when the disk is too full.
   * @param unused room inside the store.
   */
  async ensure(unused: number): Promise<void> {
    this.isThere ??= await this.isWhole();
    const free = await this.freeBytes();
    const needed = MARGIN_BYTES + (this.isThere ? 0 : RESERVE_BYTES);
    if (free + unused < needed) throw diskFull(free + unused, needed);
    if (this.isThere || free < RESERVE_BYTES) return;
    try {
      await this.create();
      this.isThere = true;
    } catch (error) {
      await rm(this.path, { force: true });
      if (unused < needed) throw error;
    }
  }

  /** Throws when storing so much more could use up the room inside the store, which removals may need. */
  guard(bytes: number, unused: () => number): void {
    if (this.isThere || bytes === 0) return;
    const needed = bytes + RESERVE_BYTES;
    const room = unused();
    if (room < needed) throw diskFull(room, needed);
  }

  /**
   * Gives up the reserve when less than so many bytes are free.
   * @returns how many are free then.
   */
  async freeAtLeast(needed: number): Promise<number> {
    const free = await this.freeBytes();
    if (free >= needed) return free;
    await this.release();
    return this.freeBytes();
  }

  /** How much may be taken of the disk without its counting as full. */
  async spareBytes(): Promise<number> {
    return Math.max(0, (await this.freeBytes()) - MARGIN_BYTES);
  }

  async release(): Promise<void> {
    await rm(this.path, { force: true });
    this.isThere = false;
  }

  /** What to say of a failed commit: LMDB reports a full disk as an input/output error. */
  async explain(error: Error): Promise<Error> {
    const free = await this.freeBytes().catch(() => Infinity);
    return free < MARGIN_BYTES ? diskFull(free, MARGIN_BYTES, error) : error;
  }

  private async create(): Promise<void> {
    await withFile(this.path, 'w', async (file) => {
      // Random, since a file system may store zeros in no room at all.
      for (let written = 0; written < RESERVE_BYTES; written += MIB) await file.write(randomBytes(MIB));
      await file.sync();
    });
  }

  private async isWhole(): Promise<boolean> {
    const found = await stat(this.path).catch(() => undefined);
    return found?.size === RESERVE_BYTES;
  }

  private freeBytes(): Promise<number> {
    return this.freeBytesIn(dirname(this.path));
  }
}

async function freeBytesOf(dir: string): Promise<number> {
  const { bavail, bsize, blocks } = await statfs(dir);
  // Some network file systems do not know their size.
  return blocks === 0 ? Infinity : bavail * bsize;
}

function diskFull(free: number, needed: number, cause?: Error): Error {
  const mib = (bytes: number) => `${Math.floor(bytes / MIB)} MiB`;
  return new Error(`the disk is full (${mib(free)} free, ${mib(needed)} needed)`, cause && { cause });
}
