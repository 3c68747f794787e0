/**
 * Waits for all of them, also when one fails: what still runs would disturb whatever is measured next.
 * @throws what the first of those threw that failed.
 */
export async function toTheEnd(works: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(works);
  const failed = outcomes.find((outcome): outcome is PromiseRejectedResult => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}
