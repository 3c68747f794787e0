import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_FOLDER } from './build-folder.js';

/** Compiles the product and the ship that is run as a process of its own, apart from `dist`, before the fault suite. */
export default function buildShips(): void {
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const project = fileURLToPath(new URL('tsconfig.ships.json', import.meta.url));
  const run = spawnSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`The ships of the fault suite do not compile:\n${run.stdout}${run.stderr}`);
  mkdirSync(BUILD_FOLDER, { recursive: true });
  // What the product reads beside its code: the files of its page, and its version.
  cpSync(new URL('../../../src/service/ui', import.meta.url), join(BUILD_FOLDER, 'src/service/ui'), {
    recursive: true,
  });
  copyFileSync(new URL('../../../package.json', import.meta.url), join(BUILD_FOLDER, 'package.json'));
}
