import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const MIB = 1024 * 1024;

/** A real file system of a few MiB, that can be filled to the last byte. Only root may make one. */
export class SmallDisk {
  private constructor(readonly path: string) {}

  /** Mounts one; undefined where that is not possible. */
  private static tryMount(mib: number): SmallDisk | undefined {
    const path = mkdtempSync(join(tmpdir(), 'small-disk-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=0755`, 'small-disk', path]);
    if (mounted.status === 0) return new SmallDisk(path);
    rmdirSync(path);
    return undefined;
  }

  /** Whether this machine lets us. */
  static get isPossible(): boolean {
    const disk = SmallDisk.tryMount(1);
    disk?.unmount();
    return disk !== undefined;
  }

  /** One that is unmounted with the test. Call it first: what uses the disk has to be ended before it goes. */
  static mount(mib: number): SmallDisk {
    const disk = SmallDisk.tryMount(mib);
    if (!disk) throw new Error('A small file system cannot be mounted');
    onTestFinished(() => disk.unmount());
    return disk;
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Something else on the disk takes all the room there is. */
  fill(): void {
    const file = openSync(this.ballast, 'a');
    try {
      for (let chunk = MIB; chunk > 0;) {
        try {
          if (writeSync(file, Buffer.alloc(chunk, 1)) < chunk) chunk = Math.floor(chunk / 2);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          chunk = Math.floor(chunk / 2);
        }
      }
    } finally {
      closeSync(file);
    }
  }

  /** And somebody clears that away. */
  clear(): void {
    rmSync(this.ballast, { force: true });
  }

  private get ballast(): string {
    return join(this.path, 'ballast');
  }

  private unmount(): void {
    const unmounted = spawnSync('umount', [this.path]);
    // Something may have a file open for a moment longer; the disk goes when that is closed.
    if (unmounted.status !== 0) spawnSync('umount', ['-l', this.path]);
    rmdirSync(this.path);
  }
}
