import { chmod, link, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { Clock } from '../time/clock.js';
import { syncFolder } from './durable-files.js';

/** Between the name of a store and the time at which it was set aside: its content is lost to the new one. */
const DAMAGED = '.damaged-';
/** The same, of a store all of whose records are in the new one. */
const REPLACED = '.replaced-';

/** An LMDB file and what lies beside it under its name: its lock file, a copy that is being made, those that were before it. */
export class StoreFile {
  readonly copyPath: string;
  private readonly lockPath: string;

  constructor(
    readonly path: string,
    private readonly clock: Clock,
  ) {
    this.copyPath = `${path}.copy`;
    this.lockPath = `${path}-lock`;
  }

  async isThere(): Promise<boolean> {
    const found = await stat(this.path).catch(() => undefined);
    // A crash before the first commit leaves an empty file, which LMDB begins anew.
    return found !== undefined && found.size > 0;
  }

  async hasLock(): Promise<boolean> {
    const found = await stat(this.lockPath).catch(() => undefined);
    // Most of it is a hole for readers that never come; what was in use once has its room.
    return found !== undefined && found.blocks > 0;
  }

  /** Keeps the files from other users. */
  async protect(): Promise<void> {
    for (const path of [this.path, this.lockPath]) await chmod(path, 0o600).catch(() => undefined);
  }

  /** @returns where it is now. */
  async setAside(): Promise<string> {
    const aside = this.asideAs(DAMAGED);
    await rename(this.path, aside);
    await this.settle();
    return resolve(aside);
  }

  /**
   * Puts the copy, which has to be on disk, in place of the store. At no time is there no store: a power cut in between leaves
   * the old one with two names.
   * @returns where the old one is now.
   */
  async replaceByCopy(): Promise<string> {
    const aside = this.asideAs(REPLACED);
    await link(this.path, aside);
    try {
      await rename(this.copyPath, this.path);
    } catch (error) {
      await rm(aside);
      throw error;
    }
    await this.settle();
    return resolve(aside);
  }

  /** How many were set aside and still lie here. */
  async countAside(): Promise<number> {
    const names = await readdir(dirname(this.path));
    return names.filter((name) => name.startsWith(`${basename(this.path)}${DAMAGED}`)).length;
  }

  private asideAs(kind: string): string {
    return `${this.path}${kind}${new Date(this.clock.wallMs()).toISOString().replaceAll(/[:.]/g, '-')}`;
  }

  private async settle(): Promise<void> {
    await rm(this.lockPath, { force: true });
    await syncFolder(dirname(this.path));
  }
}
