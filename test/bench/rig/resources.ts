/** What was started, ended in the reverse order, also when the run is interrupted. */
export class Resources {
  private readonly disposals = new Set<() => Promise<unknown>>();

  /** Registers how a thing is ended. */
  add<T>(thing: T, dispose: (thing: T) => Promise<unknown>): T {
    this.disposals.add(() => dispose(thing));
    return thing;
  }

  /** Runs a part that ends what it started. */
  async during<T>(part: (resources: Resources) => Promise<T>): Promise<T> {
    const nested = new Resources();
    const end = () => nested.end();
    this.disposals.add(end);
    try {
      return await part(nested);
    } finally {
      this.disposals.delete(end);
      await nested.end();
    }
  }

  async end(): Promise<void> {
    for (const dispose of [...this.disposals].reverse()) {
      this.disposals.delete(dispose);
      await dispose().catch((error: unknown) => process.stderr.write(`bench: ${String(error)}\n`));
    }
  }
}
