import type { ChildProcess } from 'node:child_process';

/** Every child process of the demo that is still running. None of them outlives it, however it ends. */
const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Remembers a child until it has ended. */
export function adopt<Child extends ChildProcess>(child: Child): Child {
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

/** Whether a child has ended. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Sends a signal and waits for the end; SIGKILL follows if that takes too long. Resolves to the exit code. */
export async function end(child: ChildProcess, signal: NodeJS.Signals, patienceMs: number): Promise<number | null> {
  if (!hasEnded(child)) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    await ended;
    clearTimeout(timer);
  }
  return child.exitCode;
}
