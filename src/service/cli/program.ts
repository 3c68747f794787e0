import { Command, CommanderError } from 'commander';
import { packageVersion } from '../../metrics/package-version.js';
import { CliError, describeError } from './cli-error.js';
import { checkCommand } from './commands/check.js';
import { deadCommand } from './commands/dead.js';
import { publishCommand } from './commands/publish.js';
import { queueCommand } from './commands/queue.js';
import { statusCommand } from './commands/status.js';
import { tailCommand } from './commands/tail.js';
import type { CommandContext } from './context.js';
import { EXIT, EXIT_CODES_HELP } from './exit-codes.js';
import { asksForJson, jsonBehindCommand } from './json-flag.js';

const EPILOGUE = `
It works on a running service over HTTP (--url), and, where that makes sense, on the queue folder of a stopped one (--queue-dir).
\`arus-mqtt-sync <command> --help\` has examples.

${EXIT_CODES_HELP}`;

/** Carries out a command line. */
export async function runCommandLine(args: readonly string[], context: CommandContext): Promise<void> {
  const { output, exitWith } = context;
  const isJson = asksForJson(args);
  if (isJson) output.speakJson();
  try {
    await programOf(context, isJson).parseAsync(jsonBehindCommand(args), { from: 'user' }).catch(unlessShown);
    const failure = await output.failure();
    if (failure !== undefined) throw new CliError(failure, EXIT.failed);
  } catch (error) {
    if (error instanceof CommanderError) {
      // As text it has said already what is wrong.
      if (isJson) output.error(usageOf(error), EXIT.usage);
      exitWith(EXIT.usage);
      return;
    }
    const { text, exitCode } = describeError(error);
    output.error(text, exitCode);
    exitWith(exitCode);
  }
}

/** Help and version end a command line as an error does, and are none. */
function unlessShown(error: unknown): void {
  if (!(error instanceof CommanderError && error.exitCode === 0)) throw error;
}

function usageOf({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'Say which command. Try --help.';
  return `${hideValues(message.replace(/^error: /, '').replace(/\.$/, ''))}. Try --help.`;
}

function programOf(context: CommandContext, isJson: boolean): Command {
  const program = new Command('arus-mqtt-sync')
    .description('Looks after an ARUS MQTT Sync: its queue, its dead letters, and its way to the broker.')
    .version(packageVersion(), '--version', 'the version')
    .helpCommand(false)
    .addHelpText('after', EPILOGUE);
  const commands = [
    statusCommand(context),
    queueCommand(context),
    deadCommand(context),
    publishCommand(context),
    tailCommand(context),
    checkCommand(context),
  ];
  for (const command of commands) program.addCommand(command);
  withManners(program, context, isJson);
  return program;
}

/** Errors do not end the process by themselves, and go where all of ours go; for every command below. */
function withManners(command: Command, context: CommandContext, isJson: boolean): void {
  command
    .exitOverride()
    .showHelpAfterError('Try --help.')
    .helpOption('-h, --help', 'this help')
    .configureOutput({
      writeOut: (text) => void context.output.line(text.trimEnd()),
      writeErr: (text) => isJson || context.output.note(hideValues(text).trimEnd()),
    });
  for (const child of command.commands) withManners(child, context, isJson);
}

/** The value of an option that does not exist may be a secret, as in --token=... */
function hideValues(text: string): string {
  return text.replace(/(unknown option '--[^='\s]+)=[^\n]*'/, "$1'");
}
