import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DOCUMENT = readFileSync(join(ROOT, 'docs/failures.md'), 'utf8');

/** Links to tests: what they are called, and where they are. */
const links = [...DOCUMENT.matchAll(/\[([^\]]+)\]\(\.\.\/((?:test|src)\/[^)]+)\)/g)].map(
  ([, name, file]) => [name!, file!] as const,
);

describe('docs/failures.md', () => {
  it.each(links)('names a test that there is: %s in %s', (name, file) => {
    expect(existsSync(join(ROOT, file)), file).toBe(true);
    const source = readFileSync(join(ROOT, file), 'utf8');
    // The name of a test is a string of its own that begins like this.
    expect(["'", '"', '`'].some((quote) => source.includes(quote + name))).toBe(true);
  });

  it('has a test for every row, and a row for every group of faults', () => {
    // The figures have rows, too.
    const [behaviour] = DOCUMENT.split('## Figures of long runs') as [string];
    const rows = behaviour.split('\n').filter((line) => /^\| (?!event|---)/.test(line));
    expect(rows.filter((row) => !/\]\(\.\.\//.test(row))).toEqual([]);
    const groups = readdirSync(join(ROOT, 'test/faults')).filter((file) => file.endsWith('.fault-spec.ts'));
    const linked = new Set(links.map(([, file]) => file));
    expect(groups.filter((file) => !linked.has(`test/faults/${file}`))).toEqual([]);
  });
});
