import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MqttSyncError, QueueUnavailableError, StoppingError } from '../errors.js';
import type { SyncLogger } from '../logger.js';
import type { CancelTimer, Clock } from '../time/clock.js';
import { checkStore } from './check-store.js';
import { copyStore, removeCopy } from './copy-store.js';
import { DiskReserve, type FreeBytesIn } from './disk-reserve.js';
import { readFileIfThere, writeFileDurably } from './durable-files.js';
import { FileWatch } from './file-watch.js';
import { FolderLock } from './folder-lock.js';
import { isDamage } from './lmdb-file.js';
import { type EarlierRuns, RunMarker } from './run-marker.js';
import { StoreFile } from './store-file.js';

/** Walk after the first unclean stop: with the start of the process below half a second, whatever the store holds. */
const FIRST_WALK_MS = 250;
/** When the process died soon after its start, and again, the next walk is longer, up to this. */
const LONGEST_WALK_MS = 20_000;
/**
 * So many deaths in a row, each soon after a start, and the store may be why, though it can be read: there is damage that only
 * who writes meets. Fewer may be power cuts.
 */
const SUSPICIOUS_STOPS = 3;
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

/** The folder of a disk store: its lock, the files around the store, and whether the last stop was clean. */
export class StoreFolder {
  /** As it is named in messages: who reads of it in a log does not know where the process was started. */
  private readonly path: string;
  readonly reserve: DiskReserve;
  private readonly file: StoreFile;
  private lock: FolderLock | undefined;
  private marker: RunMarker | undefined;
  private watch: FileWatch | undefined;
  private entering: AbortController | undefined;
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
    this.file = new StoreFile(join(dir, kind.file), clock);
    this.reserve = new DiskReserve(join(dir, 'reserve'), freeBytesIn);
  }

  get storePath(): string {
    return this.file.path;
  }

  /**
   * Takes the folder and makes sure that opening the store does not kill the process.
   * @throws {QueueLockedError} somebody else has it.
   * @throws {QueueUnavailableError} the disk is too full.
   */
  async enter(): Promise<void> {
    // At once: whoever has called this may call `abandon()`.
    const { signal } = (this.entering = new AbortController());
    await mkdir(this.dir, { recursive: true, mode: 0o700 });
    this.lock = FolderLock.acquire(join(this.dir, 'lock'), this.path, this.kind.name);
    await this.assertRoom();
    await removeCopy(this.file.copyPath);
    const marker = new RunMarker(join(this.dir, 'running'), (error) => this.reportMarker(error));
    this.marker = marker;
    const earlier = await marker.read();
    if (await this.file.isThere()) await this.examine(earlier, signal);
    else marker.forget();
    signal.throwIfAborted();
    await marker.begin();
    this.cancelStable = this.clock.after(STABLE_AFTER_MS, () => void marker.survived());
  }

  /** Whoever enters need not go on with it. */
  abandon(): void {
    this.entering?.abort(new StoppingError(`The ${this.kind.name} was closed while its store was being checked.`));
  }

  /** Renames the store, which is never deleted, so that a new one can be begun. */
  async setStoreAside(damage: string): Promise<void> {
    const aside = await this.file.setAside();
    await this.marker?.replaced();
    this.logger.error(
      `The store of the ${this.kind.name} is damaged: ${damage}. It was set aside as ${aside}, and a new one is begun; ` +
        `${this.kind.loss}. Keep the file if they matter.`,
    );
    await this.assertRoom();
  }

  /** How many stores were set aside and still lie here. */
  storesAside(): Promise<number> {
    return this.file.countAside();
  }

  /** The store was opened just now. */
  async noteOpened(): Promise<void> {
    this.watch = await FileWatch.begin(this.file.path, this.clock);
    await this.file.protect();
  }

  /** @throws {QueueUnavailableError} what is written to the store now goes to a file that nobody will find again. */
  async assertInPlace(): Promise<void> {
    await this.watch?.assertInPlace();
  }

  /** An error of reading or writing: if it means damage, the next start does not trust the store, whatever ends this run. */
  noteError(error: unknown): void {
    const { marker } = this;
    if (!marker || !isDamage(error)) return;
    if (!marker.hasDamage) {
      this.logger.error(
        `Damage was met in the store of the ${this.kind.name}: ${inOneLine(error)}. Restart the process: the store is then replaced by a ` +
          'copy of its records, if all of them can be read.',
      );
    }
    void marker.sawDamage();
  }

  /** Reads from the store: what that meets of damage is remembered. */
  looking<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      this.noteError(error);
      throw error;
    }
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

  /** The newest epoch of any store in this folder; outlives a damaged one. */
  async latestEpoch(): Promise<number> {
    const epoch = Number.parseInt((await readFileIfThere(this.epochPath)) ?? '', 10);
    return Number.isSafeInteger(epoch) ? epoch : 0;
  }

  async rememberEpoch(epoch: number): Promise<void> {
    await writeFileDurably(this.epochPath, String(epoch));
  }

  /** @param isClean whether the store was closed in good order; otherwise it could not be opened. */
  async leave(isClean: boolean): Promise<void> {
    const { marker, watch } = this;
    this.cancelStable?.();
    this.marker = undefined;
    this.watch = undefined;
    try {
      // Where the store is gone the folder may be somebody else's by now.
      if ((await watch?.isInPlace()) ?? true) await marker?.end(isClean);
    } finally {
      this.lock?.release();
      this.lock = undefined;
    }
  }

  /** Sees to it that the store does not end the process that opens it. */
  private async examine(earlier: EarlierRuns, signal: AbortSignal): Promise<void> {
    const { path } = this.file;
    const suspicion = suspicionOf(earlier);
    if (suspicion && (await this.replaceByCopy(suspicion, signal))) return;
    const { uncleanStops } = earlier;
    const growing = uncleanStops === 0 ? 0 : Math.min(LONGEST_WALK_MS, FIRST_WALK_MS * 4 ** (uncleanStops - 1));
    const walkMs = suspicion ? LONGEST_WALK_MS : growing;
    const damage = await checkStore(path, this.kind.databases, walkMs, { logger: this.logger, signal });
    if (damage) await this.setStoreAside(damage);
  }

  /** @returns whether that was possible. */
  private async replaceByCopy(suspicion: string, signal: AbortSignal): Promise<boolean> {
    const { path, copyPath } = this.file;
    try {
      const obstacle = await copyStore(path, copyPath, await this.reserve.spareBytes(), signal);
      if (obstacle !== undefined) throw new Error(obstacle);
      const aside = await this.file.replaceByCopy();
      await this.marker?.replaced();
      this.logger.error(
        `The store of the ${this.kind.name} was replaced by a copy of itself: ${suspicion}. Nothing is lost: all that it held is ` +
          `in the copy. The old one is kept as ${aside}; delete it once all is well.`,
      );
      return true;
    } catch (error) {
      signal.throwIfAborted();
      this.logger.warn(
        `The store of the ${this.kind.name} could not be replaced by a copy of itself (${inOneLine(error)}), as it should be: ${suspicion}.`,
      );
      return false;
    } finally {
      await removeCopy(copyPath);
    }
  }

  /**
   * Before anybody opens the store, the process that walks through it included: LMDB maps its lock file without room for it.
   * Where that file is already there, a full disk is no reason not to empty the queue.
   */
  private async assertRoom(): Promise<void> {
    if (await this.file.hasLock()) return;
    const free = await this.reserve.freeAtLeast(OPENING_BYTES);
    if (free >= OPENING_BYTES) return;
    const kib = (bytes: number) => `${Math.floor(bytes / 1024)} KiB`;
    throw new QueueUnavailableError(
      `The disk of the ${this.kind.name} folder ${this.path} is full: ${kib(free)} free, ${kib(OPENING_BYTES)} needed to open the store. Make room on it.`,
      { dir: this.path, freeBytes: free, neededBytes: OPENING_BYTES },
    );
  }

  /** A full disk must not keep the queue from being emptied. */
  private reportMarker(error: unknown): void {
    this.logger.warn(
      `The marker of a running ${this.kind.name} cannot be written: ${String(error)}. An unclean stop may go unnoticed.`,
    );
  }

  private get epochPath(): string {
    return join(this.dir, 'epoch');
  }
}

/** As a line of a log takes it. */
function inOneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replaceAll(/\s+/g, ' ');
}

/** Why the store may have damage that reading does not show; undefined when there is no reason. */
function suspicionOf({ uncleanStops, sawDamage, wasReplaced }: EarlierRuns): string | undefined {
  if (sawDamage) return 'damage was met in it while it was in use';
  if (uncleanStops < SUSPICIOUS_STOPS || wasReplaced) return undefined;
  return `the process died ${uncleanStops} times in a row, each time soon after its start`;
}
