import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { queueFolder } from '../../helpers/sync-application.js';

/** Where Debian and others keep libraries. */
const LIBRARY_FOLDERS = ['/usr/lib', '/usr/lib64', '/usr/local/lib'];

function findLibrary(): string | undefined {
  for (const folder of LIBRARY_FOLDERS) {
    for (const name of namesIn(folder)) {
      for (const path of [join(folder, name), join(folder, name, 'faketime')])
        if (namesIn(path).includes('libfaketime.so.1')) return join(path, 'libfaketime.so.1');
    }
  }
  return undefined;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The wall clock of another process, set by a test; its monotonic clock stays what it is (libfaketime). */
export class FakeWallClock {
  private static readonly library = findLibrary();
  private readonly file = join(queueFolder(), 'faketime');

  constructor() {
    this.set(0);
  }

  /** Whether the library is there and does to Node what it should. */
  static get isPossible(): boolean {
    if (FakeWallClock.library === undefined) return false;
    const env = { LD_PRELOAD: FakeWallClock.library, FAKETIME: '+400d', FAKETIME_DONT_FAKE_MONOTONIC: '1' };
    const run = spawnSync(process.execPath, ['-p', 'Date.now()'], { env, encoding: 'utf8' });
    return Number(run.stdout) > Date.now() + 300 * 86_400_000;
  }

  /** For the process that is to believe it. */
  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: FakeWallClock.library!,
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** Sets it, in days from the real time. */
  set(days: number): void {
    writeFileSync(this.file, `${days < 0 ? '' : '+'}${days}d\n`);
  }
}
