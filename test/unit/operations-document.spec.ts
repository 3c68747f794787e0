import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { DEAD_LETTER_REASONS, UNAVAILABLE } from '../../src/mqtt-sync/queue/reasons.js';
import { PARK_REASONS } from '../../src/mqtt-sync/subscriber/inbox/inbox.js';
import { DEGRADED_REASONS } from '../../src/mqtt-sync/sync-status.js';
import { GAP_REASONS } from '../../src/mqtt-sync/wire/sequence-ranges.js';
import { documentedCommands, PROJECT, runCommands } from '../helpers/documented-commands.js';
import {
  type AlertRule,
  type Dashboard,
  readAlertRules,
  readDashboard,
  RUNBOOK,
} from '../helpers/observability/deployed.js';

const DOCUMENT = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

/** Sections by their anchor, as the usual renderers of Markdown make it of the heading. */
const sections = new Map(
  DOCUMENT.split(/^#{1,3} /m).map((section) => {
    const [heading = '', ...lines] = section.split('\n');
    return [heading.toLowerCase().replaceAll(' ', '-'), lines.join('\n')] as const;
  }),
);

/** The tables of reasons, by their heading, and what the code knows. */
const REASONS: Readonly<Record<string, readonly string[]>> = {
  'reasons-of-dead-letters': DEAD_LETTER_REASONS,
  'reasons-of-parked-messages': PARK_REASONS,
  'reasons-of-gaps': GAP_REASONS,
  'reasons-not-to-be-ready': Object.values(UNAVAILABLE),
};

/** The rows of the table in a section. */
const rowsOf = (anchor: string) =>
  [...(sections.get(anchor) ?? '').matchAll(/^\| `([^`]+)`[^|]*\|([^|]+)\|([^|]+)\|$/gm)].map(
    ([, reason, means, todo]) => ({ reason, means, todo }),
  );

const runbookOf = ({ templating }: Dashboard) => templating.list.find(({ name }) => name === 'runbook')?.query;

describe('docs/operations.md', () => {
  it.each(readAlertRules())('says of $alert what it means, how to see more, and what to do', ({ alert }) => {
    expect(sections.get(alert.toLowerCase())).toMatch(/\*\*Means:\*\*[^]*\*\*See more[^]*\*\*Do:\*\*/);
  });

  it.each(DEGRADED_REASONS)('says of the reason %s what it means, how to see more, and what to do', (reason) => {
    expect(sections.get(reason)).toMatch(/\w[^]*\*\*See more:\*\*[^]*\*\*Do:\*\*/);
  });

  it.each(Object.entries(REASONS))(
    'explains in its table of %s each one that there is, and no other, and says how to see more',
    (anchor, known) => {
      const rows = rowsOf(anchor);
      expect(sections.get(anchor)).toMatch(/\*\*See more[^]*\n\| reason/);
      expect(rows.map(({ reason }) => reason)).toEqual(known);
      for (const { means, todo } of rows)
        expect([means, todo]).toEqual([/\w/, /\w/].map((text) => expect.stringMatching(text) as string));
    },
  );

  it('has the command that sets another address of itself', () => {
    const folder = mkdtempSync(join(tmpdir(), 'runbook-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    cpSync(join(PROJECT, 'deploy'), join(folder, 'deploy'), { recursive: true });
    const commands = documentedCommands('docs/operations.md', 'runbook address');
    runCommands(commands.replace('https://wiki.example', 'https://elsewhere.example'), folder);
    const read = (path: string) => readFileSync(join(folder, 'deploy', path), 'utf8');
    const files = ['prometheus/rules/arus-mqtt-sync.yml', 'grafana/dashboards/arus-mqtt-sync.json'].map(read);
    for (const text of files) expect(text).not.toContain(RUNBOOK);
    const { groups } = parse(files[0]!) as { groups: { rules: AlertRule[] }[] };
    const links = groups.flatMap(({ rules }) => rules.map(({ annotations }) => annotations['runbook_url']!));
    expect(links).toEqual(
      readAlertRules().map(({ alert }) => `https://elsewhere.example/operations#${alert.toLowerCase()}`),
    );
    expect(runbookOf(JSON.parse(files[1]!) as Dashboard)).toBe('https://elsewhere.example/operations');
  });

  it('is where the dashboard says', () => {
    expect(runbookOf(readDashboard())).toBe(RUNBOOK);
  });

  it('has every section that rules, dashboard and the page itself link to', () => {
    const ofRules = readAlertRules().map(({ annotations }) => annotations['runbook_url']!);
    const ofPanels = readDashboard().panels.flatMap(({ links = [] }) => links.map(({ url }) => url));
    const ofPage = [...DOCUMENT.matchAll(/\]\((#[^)]+)\)/g)].map(([, url]) => url!);
    const anchors = [...ofRules, ...ofPanels, ...ofPage].map((url) => url.split('#')[1]!);
    expect(anchors.filter((anchor) => !sections.has(anchor))).toEqual([]);
  });
});
