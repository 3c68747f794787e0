import { packageVersion } from '../metrics/package-version.js';
import { VARIABLES } from './environment/variables.js';

/** What to print instead of starting. */
export interface CommandLineAnswer {
  readonly text: string;
  readonly exitCode: number;
}

/** EX_USAGE of sysexits.h. */
const EXIT_USAGE = 64;

/** Understands the arguments; undefined: start the service. */
export function answerCommandLine(args: readonly string[]): CommandLineAnswer | undefined {
  const [first] = args;
  if (first === undefined) return undefined;
  if (first === '--help' || first === '-h') return { text: helpText(), exitCode: 0 };
  if (first === '--version' || first === '-v') return { text: packageVersion(), exitCode: 0 };
  return { text: `Unknown argument ${JSON.stringify(first)}; try --help.`, exitCode: EXIT_USAGE };
}

function helpText(): string {
  const rows = VARIABLES.map(({ name, byDefault, meaning }) => [name, byDefault || '-', meaning] as const);
  const [nameWidth, defaultWidth] = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return [
    `ARUS MQTT Sync ${packageVersion()}`,
    '',
    'Takes data changes over HTTP, keeps them on disk, and delivers them in order to an MQTT broker.',
    'It is set up by environment variables alone:',
    '',
    ...rows.map(
      ([name, byDefault, meaning]) => `  ${name.padEnd(nameWidth!)}  ${byDefault.padEnd(defaultWidth!)}  ${meaning}`,
    ),
    '',
    'Options: --help, --version',
  ].join('\n');
}
