/** How much goes into one request: far below what the service takes, so that progress is seen and a repeat costs little. */
export interface BatchLimits {
  readonly items: number;
  readonly bytes: number;
  /** What came is not kept back longer than this for what may come. */
  readonly waitMs: number;
}

/** Groups what comes, and passes on what there is when nothing more comes for a while. One group is in memory at a time. */
export async function* inBatches<Item>(
  source: AsyncIterable<Item>,
  bytesOf: (item: Item) => number,
  limits: BatchLimits,
): AsyncGenerator<Item[]> {
  const items = source[Symbol.asyncIterator]();
  let batch: Item[] = [];
  let bytes = 0;
  let next = items.next();
  for (;;) {
    const result = batch.length === 0 ? await next : await beforeLong(next, limits.waitMs);
    const isFull = result && !result.done && bytes + bytesOf(result.value) > limits.bytes && batch.length > 0;
    if (!result || result.done || isFull || batch.length === limits.items) {
      if (batch.length > 0) yield batch;
      batch = [];
      bytes = 0;
      if (!result) continue;
      if (result.done) return;
    }
    batch.push(result.value);
    bytes += bytesOf(result.value);
    next = items.next();
  }
}

async function beforeLong<Value>(value: Promise<Value>, waitMs: number): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const wait = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), waitMs)));
  try {
    return await Promise.race([value, wait]);
  } finally {
    clearTimeout(timer);
  }
}
