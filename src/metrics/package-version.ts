import { readFileSync } from 'node:fs';

/** Version of this package, as its package.json says. */
export function packageVersion(): string {
  // The same two levels up from src/metrics and from dist/metrics.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
