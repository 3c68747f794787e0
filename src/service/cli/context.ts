import type { ExitCode } from './exit-codes.js';
import type { Output } from './output.js';

/** What a command has to do with. */
export interface CommandContext {
  readonly env: NodeJS.ProcessEnv;
  readonly output: Output;
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WritableStream;
  /** Aborted by SIGINT or SIGTERM; only of use to a command that calls `interruptible()`. */
  readonly interruption: AbortSignal;
  /** The command ends by itself when it is interrupted; otherwise the process just ends. */
  readonly interruptible: () => void;
  /** What the process will exit with. */
  readonly exitWith: (code: ExitCode) => void;
}
