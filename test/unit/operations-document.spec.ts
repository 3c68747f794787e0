import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { DEGRADED_REASONS } from '../../src/mqtt-sync/sync-status.js';
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

const runbookOf = ({ templating }: Dashboard) => templating.list.find(({ name }) => name === 'runbook')?.query;

describe('docs/operations.md', () => {
  it.each(readAlertRules())('says of $alert what it means, how to see more, and what to do', ({ alert }) => {
    expect(sections.get(alert.toLowerCase())).toMatch(/\*\*Means:\*\*[^]*\*\*See more[^]*\*\*Do:\*\*/);
  });

  it.each(DEGRADED_REASONS)('says of the reason %s what it means', (reason) => {
    expect(sections.get(reason)).toMatch(/\S/);
  });

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
