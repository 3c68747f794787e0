import { Command } from 'commander';

/** What a command shows at the end of its help. */
export interface Shown {
  /** Longer than its one line; whole sentences. */
  readonly more?: string;
  readonly examples: readonly string[];
}

/** A command with its help. */
export function describeCommand(usage: string, summary: string, { more, examples }: Shown): Command {
  return new Command(usage)
    .summary(summary)
    .description(more === undefined ? summary : `${summary}\n\n${more}`)
    .helpCommand(false)
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  ${example}`).join('\n')}`);
}

/** Adds the options that say which running service a command works on. */
export function addServiceOptions(command: Command): Command {
  return command
    .option('--url <url>', 'a running service (default: http://127.0.0.1:5000, or as HOST and PORT say)')
    .option('--token-file <file>', 'its token; else SYNC_INGRESS_TOKEN_FILE or SYNC_INGRESS_TOKEN')
    .option('--environment-file <file>', 'variables of the service, such as its systemd EnvironmentFile')
    .option('--timeout <seconds>', 'for each of its answers (default: 10)')
    .option('--json', 'JSON in place of text');
}

/** Adds the options that say which queue a command works on: of a running service, or of a stopped one. */
export function addTargetOptions(command: Command): Command {
  return addServiceOptions(command).option(
    '--queue-dir <folder>',
    'the queue folder of a stopped service, in place of --url',
  );
}

/** Adds the option that confirms what cannot be undone. */
export function addConfirmation(command: Command): Command {
  return command.option('-y, --yes', 'do not ask');
}
