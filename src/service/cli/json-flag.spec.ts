import { describe, expect, it } from 'vitest';
import { asksForJson, jsonBehindCommand } from './json-flag.js';

describe('--json', () => {
  it.each([
    ['--json status', 'status --json'],
    ['queue --json list --limit 5', 'queue list --json --limit 5'],
    ['--json queue list --limit 5', 'queue list --json --limit 5'],
    ['publish --json changes.jsonl', 'publish changes.jsonl --json'],
    ['status --json', 'status --json'],
    ['status --url --json', 'status --url --json'],
    ['--json --help', '--help'],
    ['--json', ''],
    ['', ''],
    ['publish -- --json', 'publish -- --json'],
    ['publish --json -', 'publish --json -'],
  ])('in %j is taken as in %j', (given, taken) => {
    const split = (text: string) => text.split(' ').filter(Boolean);
    expect(jsonBehindCommand(split(given))).toEqual(split(taken));
  });

  it('is asked for wherever it stands, but for what comes behind the end of the options', () => {
    expect(asksForJson(['--json', 'status'])).toBe(true);
    expect(asksForJson(['publish', '--', '--json'])).toBe(false);
  });
});
