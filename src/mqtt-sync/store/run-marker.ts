import { readFileIfThere, removeFileDurably, writeFileDurably } from './durable-files.js';

/** What is known of a store from the runs before this one. */
export interface EarlierRuns {
  /** How many times in a row the process died soon after its start; 0 after a clean stop. */
  readonly uncleanStops: number;
  /** The store was seen to be damaged while it was in use. */
  readonly sawDamage: boolean;
  /** The store was replaced since the first of these stops: it is not what kills the process. */
  readonly wasReplaced: boolean;
}

const NOTHING: EarlierRuns = { uncleanStops: 0, sawDamage: false, wasReplaced: false };

const SAW_DAMAGE = 'damaged';
const WAS_REPLACED = 'replaced';

/**
 * A file that is there while a store is open: found at a start, the last stop was not clean. It counts such stops, so that
 * a store that keeps killing its process is looked at ever more closely, and remembers what was seen of the store.
 */
export class RunMarker {
  /** What a stop leaves that has nothing to add. */
  private found: EarlierRuns | undefined;
  private current = NOTHING;
  private isThere = false;
  private writing: Promise<void> = Promise.resolve();

  /** @param failed is told that the file cannot be written, which must not keep the store from being used. */
  constructor(
    private readonly path: string,
    private readonly failed: (error: unknown) => void,
  ) {}

  async read(): Promise<EarlierRuns> {
    const text = await readFileIfThere(this.path);
    this.found = text === undefined ? undefined : parse(text);
    this.current = this.found ? { ...this.found, uncleanStops: this.found.uncleanStops + 1 } : NOTHING;
    return this.current;
  }

  /** From now on a stop is unclean, until `end()`. */
  begin(): Promise<void> {
    this.isThere = true;
    return this.change({});
  }

  /** The process has lived for so long that it does not die of what it found at its start. */
  survived(): Promise<void> {
    return this.change({ uncleanStops: 0, wasReplaced: false });
  }

  get hasDamage(): boolean {
    return this.current.sawDamage;
  }

  async sawDamage(): Promise<void> {
    if (!this.hasDamage) await this.change({ sawDamage: true });
  }

  /** There is no store, so nothing is known of the one that is begun. */
  forget(): void {
    this.found = undefined;
    this.current = NOTHING;
  }

  /** The store that is there now takes the place of one that what is known may have come from. */
  replaced(): Promise<void> {
    const change = { sawDamage: false, wasReplaced: true };
    if (this.found) this.found = { ...this.found, ...change };
    return this.change(change);
  }

  /** @param isClean otherwise the store could not be opened at all: that says nothing about it, nor about the process. */
  async end(isClean: boolean): Promise<void> {
    if (!this.isThere) return;
    const { sawDamage } = this.current;
    const kept = isClean ? undefined : this.found;
    const left = kept || sawDamage ? { ...(kept ?? NOTHING), sawDamage } : undefined;
    await this.write(() => (left ? writeFileDurably(this.path, textOf(left)) : removeFileDurably(this.path)));
    this.isThere = false;
  }

  private async change(change: Partial<EarlierRuns>): Promise<void> {
    this.current = { ...this.current, ...change };
    if (this.isThere) await this.write(() => writeFileDurably(this.path, textOf(this.current)));
  }

  /** One after the other: all go by way of the same temporary file. */
  private write(write: () => Promise<void>): Promise<void> {
    return (this.writing = this.writing.then(write).catch(this.failed));
  }
}

function parse(text: string): EarlierRuns {
  const words = text.split(' ');
  const uncleanStops = Number.parseInt(text, 10);
  return {
    uncleanStops: Number.isInteger(uncleanStops) ? uncleanStops : 0,
    sawDamage: words.includes(SAW_DAMAGE),
    wasReplaced: words.includes(WAS_REPLACED),
  };
}

/** The number comes first: earlier versions read that, and nothing else. */
function textOf({ uncleanStops, sawDamage, wasReplaced }: EarlierRuns): string {
  return [uncleanStops, ...(sawDamage ? [SAW_DAMAGE] : []), ...(wasReplaced ? [WAS_REPLACED] : [])].join(' ');
}
