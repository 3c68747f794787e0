import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';
import { SKIPPED_BROKERS_FILE, type SkippedGroup } from './skipped-brokers.js';

/** Says at the very end of a run which broker was not found, and how many tests were left out because of that. */
export class SkippedBrokersReporter implements Reporter {
  private folder: string | undefined;

  onInit(): void {
    // Workers inherit the environment.
    this.folder = mkdtempSync(join(tmpdir(), 'skipped-brokers-'));
    const file = join(this.folder, 'groups.jsonl');
    writeFileSync(file, '');
    process.env[SKIPPED_BROKERS_FILE] = file;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const groups = this.readGroups();
    const leftOut = new Map<string, number>();
    for (const module of modules) {
      for (const suite of module.children.allSuites()) {
        const group = groups.find(({ group: name }) => name === suite.name);
        if (!group) continue;
        const skipped = [...suite.children.allTests('skipped')].length;
        leftOut.set(group.broker, (leftOut.get(group.broker) ?? 0) + skipped);
      }
    }
    // After the other reporters, whose summary would otherwise push this out of sight.
    process.on('exit', () => {
      for (const [broker, tests] of leftOut) {
        console.warn(`\n${broker} was not found: ${tests} tests that need it were LEFT OUT.`);
      }
    });
  }

  private readGroups(): SkippedGroup[] {
    if (this.folder === undefined) return [];
    const lines = readFileSync(join(this.folder, 'groups.jsonl'), 'utf8').split('\n');
    rmSync(this.folder, { recursive: true, force: true });
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as SkippedGroup);
  }
}
