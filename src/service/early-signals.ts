const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

function leave(): void {
  process.exit(0);
}

/**
 * Lets a signal end the process in order while the service is still being loaded and has nothing open. Without a handler it would
 * not be the exit code of an orderly stop, and as process 1 of a container it would not end at all.
 * @returns lets go, for whoever sees to signals from now on.
 */
export function leaveOnSignals(): () => void {
  for (const signal of SIGNALS) process.on(signal, leave);
  return () => {
    for (const signal of SIGNALS) process.off(signal, leave);
  };
}
