import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { linksOf } from '../helpers/markdown.js';

const ROOT = new URL('../../', import.meta.url);

const DOCUMENTS = [
  'README.md',
  'CHANGELOG.md',
  'test/faults/README.md',
  ...readdirSync(new URL('docs/', ROOT))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** Anchors as the usual renderers of Markdown make them of headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => heading!);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}

describe.each(DOCUMENTS)('%s', (name) => {
  it('leads nowhere where nothing is', () => {
    const url = new URL(name, ROOT);
    const broken = linksOf(readFileSync(url, 'utf8')).filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? url : new URL(path, url);
      if (!existsSync(target)) return true;
      return (
        anchor !== undefined && target.pathname.endsWith('.md') && !anchorsOf(readFileSync(target, 'utf8')).has(anchor)
      );
    });
    expect(broken).toEqual([]);
  });
});
