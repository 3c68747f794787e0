/** What the exit code says; a contract with scripts. */
export const EXIT = {
  ok: 0,
  /** It went wrong, or a part of it: see standard error. */
  failed: 1,
  /** Wrong arguments, or a confirmation that nobody could give. */
  usage: 2,
  /** Nobody answers at the URL, or at the broker. */
  unreachable: 3,
  /** The token is missing or wrong, or the folder is another user's. */
  unauthorised: 4,
  /** `status`: it works, and is degraded; `check --strict`: it works, with warnings. */
  degraded: 5,
  /** No such message, dead letter, or queue. */
  notFound: 6,
  /** A process has the folder open. */
  locked: 7,
  /** The service is there and cannot do it just now: try again later. */
  unavailable: 8,
  /** Ended by SIGINT before it was through. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What an exit code is called in the JSON of an error: `not_found`, `unreachable`. */
export function nameOfExit(code: ExitCode): string {
  const [name] = Object.entries(EXIT).find(([, value]) => value === code)!;
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** For the help. */
export const EXIT_CODES_HELP = `Exit codes:
  0    done
  1    failed, or a part of it did: standard error says what
  2    wrong arguments, or nobody there to confirm (--yes)
  3    nobody answers: neither at the URL, nor (check) at the broker
  4    not allowed: the token is missing or wrong, or the folder is another user's
  5    status: degraded, and works; check --strict: warnings
  6    there is no such message, dead letter or queue
  7    a process has the queue folder open
  8    the service cannot do it just now: try again later
  130  interrupted
With --json standard error is JSON too, a document a line: {"error":{"code":"not_found","exitCode":6,"message":"..."}} or {"note":"..."}.
code is one of failed, usage, unreachable, unauthorised, not_found, locked, unavailable.`;
