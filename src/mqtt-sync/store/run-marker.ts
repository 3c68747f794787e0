import { readFileIfThere, removeFileDurably, writeFileDurably } from './durable-files.js';

/**
 * A file that is there while a store is open: found at a start, the last stop was not clean. It counts such stops, so that
 * a store that keeps killing its process is looked at ever more closely.
 */
export class RunMarker {
  constructor(private readonly path: string) {}

  /** How many times in a row the process died soon after its start; 0 after a clean stop. */
  async uncleanStops(): Promise<number> {
    const text = await readFileIfThere(this.path);
    if (text === undefined) return 0;
    const earlier = Number.parseInt(text, 10);
    return (Number.isInteger(earlier) ? earlier : 0) + 1;
  }

  async set(uncleanStops: number): Promise<void> {
    await writeFileDurably(this.path, String(uncleanStops));
  }

  async clear(): Promise<void> {
    await removeFileDurably(this.path);
  }
}
