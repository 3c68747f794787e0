import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { documentedCommands, PROJECT, runCommands } from '../helpers/documented-commands.js';
import { alertmanagerConfiguration, AMTOOL, amtool } from '../helpers/observability/alertmanager.js';
import { readAlertRules } from '../helpers/observability/deployed.js';
import { describeWith } from '../helpers/programs.js';

interface Route {
  readonly receiver: string;
  readonly matchers?: readonly string[];
  readonly routes?: readonly Route[];
}

interface Configuration {
  readonly route: Route;
  readonly receivers: readonly {
    readonly name: string;
    readonly webhook_configs?: readonly { readonly url: string }[];
  }[];
  readonly inhibit_rules: readonly {
    readonly source_matchers: readonly string[];
    readonly target_matchers: readonly string[];
    readonly equal: readonly string[];
  }[];
}

const text = alertmanagerConfiguration();
const { route, receivers, inhibit_rules } = parse(text) as Configuration;

/** With mail in place of the webhook, as the comments say. */
const withMail = text
  .replace(/^ {4}webhook_configs:\n.*critical\n/m, '')
  .replaceAll(/^( +)#( *(?:email_configs:|- to|from|smarthost|auth_))/gm, '$1$2');

describe('the configuration of Alertmanager', () => {
  it('sends every severity of the rules to a receiver of its name, and everything to somebody', () => {
    const severities = new Set(readAlertRules().map(({ labels }) => labels['severity']));
    expect(new Set(receivers.map(({ name }) => name))).toEqual(severities);
    expect(route).toMatchObject({
      receiver: 'warning',
      routes: [{ receiver: 'critical', matchers: ['severity = "critical"'] }],
    });
  });

  it('has receivers that nobody takes for real ones', () => {
    const urls = receivers.flatMap(({ webhook_configs = [] }) => webhook_configs.map(({ url }) => url));
    expect(urls.map((url) => new URL(url).hostname)).toEqual(receivers.map(() => 'put-your-receiver-here.invalid'));
  });

  it('has an example of mail', () => {
    const { receivers: mailed } = parse(withMail) as { receivers: object[] };
    expect(mailed[0]).toMatchObject({ name: 'critical', email_configs: [{ smarthost: 'mail.ship.example:587' }] });
  });

  it('silences only alerts that there are, by alerts that there are, of the same vessel', () => {
    const known = readAlertRules().map(({ alert }) => alert);
    for (const { source_matchers, target_matchers, equal } of inhibit_rules) {
      expect(equal).toEqual(['vessel']);
      const named = [...source_matchers, ...target_matchers].flatMap((matcher) => matcher.match(/ArusSync\w+/g) ?? []);
      expect(named.filter((name) => !known.includes(name))).toEqual([]);
    }
  });
});

describeWith({ amtool: AMTOOL }, 'amtool', () => {
  it.each([
    ['the configuration', text],
    ['the configuration with mail', withMail],
  ])('finds nothing wrong with %s', (_what, configuration) => {
    const { status, output } = amtool(configuration, 'check-config', 'FILE');
    expect(output).toContain('SUCCESS');
    expect(status).toBe(0);
  });

  it('says what the runbook has it say', () => {
    const said = runCommands(documentedCommands('docs/operations.md', 'alertmanager'), PROJECT);
    expect(said).toMatch(/SUCCESS[^]*\ncritical\n$/);
  });

  it('finds a fault that is planted', () => {
    expect(amtool(text.replace('receiver: critical', 'receiver: nobody'), 'check-config', 'FILE').status).toBe(1);
  });
});
