import { readFileSync } from 'node:fs';

// Read once: an upgrade replaces the file while the process goes on. The same two levels up from src/metrics and from dist/metrics.
const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
const { version } = JSON.parse(text) as { readonly version: string };

/** Version of this package, as its package.json says. */
export function packageVersion(): string {
  return version;
}
