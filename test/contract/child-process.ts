import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/**
 * Makes plain JavaScript of a module of this folder, so that a process of its own can run it. It lies inside the
 * repository, where its packages are found.
 */
export async function buildChild(name: string): Promise<{ readonly script: string; readonly dispose: () => void }> {
  const outDir = join(HERE, '../../build', `${name}-${process.pid}`);
  await build({
    configFile: false,
    logLevel: 'error',
    build: { ssr: join(HERE, `${name}.ts`), outDir, minify: false, emptyOutDir: true },
  });
  return { script: join(outDir, `${name}.js`), dispose: () => rmSync(outDir, { recursive: true, force: true }) };
}

/** Starts a script; its lines arrive one by one. */
export function startChild(script: string, args: readonly string[], onLine: (line: string) => void): ChildProcess {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    lines.forEach(onLine);
  });
  return child;
}

/** Resolves when the process is gone and all it wrote has arrived. */
export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('close', () => resolve()));
}
