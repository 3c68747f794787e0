import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEGRADED_REASONS } from '../../src/mqtt-sync/sync-status.js';
import { readAlertRules, readDashboard } from '../helpers/observability/deployed.js';

const DOCUMENT = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

/** Sections by their anchor, as the usual renderers of Markdown make it of the heading. */
const sections = new Map(
  DOCUMENT.split(/^#{1,3} /m).map((section) => {
    const [heading = '', ...lines] = section.split('\n');
    return [heading.toLowerCase().replaceAll(' ', '-'), lines.join('\n')] as const;
  }),
);

describe('docs/operations.md', () => {
  it.each(readAlertRules())('says of $alert what it means, how to see more, and what to do', ({ alert }) => {
    expect(sections.get(alert.toLowerCase())).toMatch(/\*\*Means:\*\*[^]*\*\*See more[^]*\*\*Do:\*\*/);
  });

  it.each(DEGRADED_REASONS)('says of the reason %s what it means', (reason) => {
    expect(sections.get(reason)).toMatch(/\S/);
  });

  it('has every section that rules, dashboard and the page itself link to', () => {
    const ofRules = readAlertRules().map(({ annotations }) => annotations['runbook_url']!);
    const ofPanels = readDashboard().panels.flatMap(({ links = [] }) => links.map(({ url }) => url));
    const ofPage = [...DOCUMENT.matchAll(/\]\((#[^)]+)\)/g)].map(([, url]) => url!);
    const anchors = [...ofRules, ...ofPanels, ...ofPage].map((url) => url.split('#')[1]!);
    expect(anchors.filter((anchor) => !sections.has(anchor))).toEqual([]);
  });
});
