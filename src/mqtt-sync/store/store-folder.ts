import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MqttSyncError, QueueUnavailableError } from '../errors.js';
import type { SyncLogger } from '../logger.js';
import type { CancelTimer, Clock } from '../time/clock.js';
import { checkStore } from './check-store.js';
import { DiskReserve, type FreeBytesIn } from './disk-reserve.js';
import { readFileIfThere, syncFolder, writeFileDurably } from './durable-files.js';
import { FolderLock } from './folder-lock.js';
import { RunMarker } from './run-marker.js';

/** Walk after the first unclean stop: with the start of the process below half a second, whatever the store holds. */
const FIRST_WALK_MS = 250;
/** When the process died soon after its start, and again, the next walk is longer, up to this. */
const LONGEST_WALK_MS = 20_000;
/**
 * What must be free for the store to be opened: LMDB maps its lock file without room being taken up for it, and where there
 * is none the first access kills the process. It takes a few pages; the rest is for the small files beside it.
 */
const OPENING_BYTES = 1024 * 1024;
/** Who has run so long did not die of what it found at the start. */
const STABLE_AFTER_MS = 60_000;

/** What kind of store a folder holds, and how to speak of it. */
export interface StoreKind {
  /** `queue`, `inbox`. */
  readonly name: string;
  readonly file: string;
  /** Its databases, the small ones first: after an unclean stop they are walked through in this order. */
  readonly databases: readonly string[];
  /** What it means that a damaged store is set aside. */
  readonly loss: string;
}

/** Between the name of a damaged store and the time at which it was set aside. */
const ASIDE = '.damaged-';

/** The folder of a disk store: its lock, the files around the store, and whether the last stop was clean. */
export class StoreFolder {
  readonly storePath: string;
  /** As it is named in messages: who reads of it in a log does not know where the process was started. */
  private readonly path: string;
  readonly reserve: DiskReserve;
  private readonly marker: RunMarker;
  private lock: FolderLock | undefined;
  private isMarked = false;
  private cancelStable: CancelTimer | undefined;

  constructor(
    // Used as it was given: the way to it from the root may be closed to this user.
    private readonly dir: string,
    private readonly kind: StoreKind,
    private readonly clock: Clock,
    private readonly logger: SyncLogger,
    freeBytesIn?: FreeBytesIn,
  ) {
    this.path = resolve(dir);
    this.storePath = join(dir, kind.file);
    this.reserve = new DiskReserve(join(dir, 'reserve'), freeBytesIn);
    this.marker = new RunMarker(join(dir, 'running'));
  }

  /**
   * Takes the folder and makes sure that opening the store does not kill the process.
   * @throws {QueueLockedError} somebody else has it.
   * @throws {QueueUnavailableError} the disk is too full.
   */
  async enter(): Promise<void> {
    await mkdir(this.dir, { recursive: true, mode: 0o700 });
    this.lock = FolderLock.acquire(join(this.dir, 'lock'), this.path, this.kind.name);
    await this.assertRoom();
    const uncleanStops = await this.marker.uncleanStops();
    if (await this.hasStore()) {
      const walkMs = uncleanStops === 0 ? 0 : Math.min(LONGEST_WALK_MS, FIRST_WALK_MS * 4 ** (uncleanStops - 1));
      const damage = await checkStore(this.storePath, this.kind.databases, walkMs, this.logger);
      if (damage) await this.setStoreAside(damage);
    }
    await this.mark(uncleanStops);
    this.isMarked = true;
    this.cancelStable = this.clock.after(STABLE_AFTER_MS, () => void this.mark(0));
  }

  /** Renames the store, which is never deleted, so that a new one can be begun. */
  async setStoreAside(damage: string): Promise<void> {
    const time = new Date(this.clock.wallMs()).toISOString().replaceAll(/[:.]/g, '-');
    const aside = `${this.storePath}${ASIDE}${time}`;
    await rename(this.storePath, aside);
    await rm(this.lmdbLockPath, { force: true });
    await syncFolder(this.dir);
    this.logger.error(
      `The store of the ${this.kind.name} is damaged: ${damage}. It was set aside as ${resolve(aside)}, and a new one is begun; ` +
        `${this.kind.loss}. Keep the file if they matter.`,
    );
    await this.assertRoom();
  }

  /** How many stores were set aside and still lie here. */
  async storesAside(): Promise<number> {
    const names = await readdir(this.dir);
    return names.filter((name) => name.startsWith(`${this.kind.file}${ASIDE}`)).length;
  }

  /** The error to throw when the folder, or the store in it, cannot be opened. */
  unusable(error: unknown): MqttSyncError {
    if (error instanceof MqttSyncError) return error;
    const reason = error instanceof Error ? error.message : String(error);
    return new QueueUnavailableError(
      `The ${this.kind.name} folder ${this.path} cannot be used: ${reason}. See that it is a folder this process may write to, on a disk with room.`,
      { dir: this.path },
      { cause: error },
    );
  }

  /** Keeps the files from other users. */
  async protect(): Promise<void> {
    for (const path of [this.storePath, this.lmdbLockPath]) await chmod(path, 0o600).catch(() => undefined);
  }

  /** The newest epoch of any store in this folder; outlives a damaged one. */
  async latestEpoch(): Promise<number> {
    const epoch = Number.parseInt((await readFileIfThere(this.epochPath)) ?? '', 10);
    return Number.isSafeInteger(epoch) ? epoch : 0;
  }

  async rememberEpoch(epoch: number): Promise<void> {
    await writeFileDurably(this.epochPath, String(epoch));
  }

  /** @param isClean whether the store was closed in good order. */
  async leave(isClean: boolean): Promise<void> {
    this.cancelStable?.();
    if (isClean && this.isMarked) await this.marker.clear();
    this.isMarked = false;
    this.lock?.release();
    this.lock = undefined;
  }

  /**
   * Before anybody opens the store, the process that walks through it included: LMDB maps its lock file without room for it.
   * Where that file is already there, a full disk is no reason not to empty the queue.
   */
  private async assertRoom(): Promise<void> {
    if (await this.hasLmdbLock()) return;
    const free = await this.reserve.freeAtLeast(OPENING_BYTES);
    if (free >= OPENING_BYTES) return;
    const kib = (bytes: number) => `${Math.floor(bytes / 1024)} KiB`;
    throw new QueueUnavailableError(
      `The disk of the ${this.kind.name} folder ${this.path} is full: ${kib(free)} free, ${kib(OPENING_BYTES)} needed to open the store. Make room on it.`,
      { dir: this.path, freeBytes: free, neededBytes: OPENING_BYTES },
    );
  }

  /** A full disk must not keep the queue from being emptied. */
  private async mark(uncleanStops: number): Promise<void> {
    try {
      await this.marker.set(uncleanStops);
    } catch (error) {
      this.logger.warn(
        `The marker of a running ${this.kind.name} cannot be written: ${String(error)}. An unclean stop may go unnoticed.`,
      );
    }
  }

  private get lmdbLockPath(): string {
    return `${this.storePath}-lock`;
  }

  private async hasLmdbLock(): Promise<boolean> {
    const found = await stat(this.lmdbLockPath).catch(() => undefined);
    // Most of it is a hole for readers that never come; what was in use once has its room.
    return found !== undefined && found.blocks > 0;
  }

  private get epochPath(): string {
    return join(this.dir, 'epoch');
  }

  private async hasStore(): Promise<boolean> {
    const found = await stat(this.storePath).catch(() => undefined);
    // A crash before the first commit leaves an empty file, which LMDB begins anew.
    return found !== undefined && found.size > 0;
  }
}
