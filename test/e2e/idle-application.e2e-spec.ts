import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../helpers/ports.js';
import { queueFolder } from '../helpers/sync-application.js';
import { within } from '../helpers/wait.js';

const CHILD = fileURLToPath(new URL('../helpers/idle-child.mjs', import.meta.url));
const ATTEMPTS = 4;

describe('an application that does nothing but sync', () => {
  // It was over with the first outage, with exit code 0: nothing was left that Node would have waited for.
  it('lives through an outage, and ends when it is told to', async () => {
    const options = {
      brokerUrl: `mqtt://127.0.0.1:${await freePort()}`,
      queue: { dir: queueFolder() },
      reconnectMaxS: 1,
    };
    const child = spawn(process.execPath, [CHILD, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = once(child, 'exit');
    onTestFinished(() => void child.kill('SIGKILL'));
    const attempted = (async () => {
      for await (const line of createInterface({ input: child.stdout }))
        if (line === `attempt ${ATTEMPTS}`) return true;
      return false;
    })();
    expect(await within(attempted, { deadlineMs: 30_000, what: `attempt ${ATTEMPTS} of the application` })).toBe(true);
    child.kill('SIGTERM');
    // A signal that Nest has handled it sends to the process once more, to end it as its sender expects.
    expect(await within(exit, { deadlineMs: 10_000, what: 'the application to end' })).toEqual([null, 'SIGTERM']);
  });
});
