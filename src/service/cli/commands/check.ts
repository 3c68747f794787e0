import type { Command } from 'commander';
import type { CheckStep } from '../check/check-step.js';
import type { CommandContext } from '../context.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { formatCount, printable } from '../format.js';
import type { Colour, Output } from '../output.js';
import { environmentOf, secondsOf, type TargetFlags } from '../target/target-options.js';
import { describeCommand } from './command.js';

interface Flags extends Pick<TargetFlags, 'environmentFile'> {
  readonly timeout: string;
  readonly strict?: true;
  readonly json?: true;
}

const COLOURS: Readonly<Record<CheckStep['status'], Colour>> = { ok: 'green', warning: 'yellow', failed: 'red' };

/** Whether the service could work as it is configured. */
export function checkCommand(context: CommandContext): Command {
  return describeCommand('check', 'tries configuration and broker, and says what is wrong', {
    more:
      'Reads the environment as the service does, then tries the broker as it would: name, port, TLS, credentials, limits, ' +
      'the rights to publish and to subscribe, topic by topic, and the round trip. Ends after the first step that failed. It sends ' +
      'a few small probes and leaves nothing at the broker; a service that runs is not disturbed, and its retained status stays.',
    examples: [
      'MQTT_BROKER_URL=mqtts://broker.example:8883 VESSEL_ID=mv-aurora arus-mqtt-sync check',
      'sudo -u arus-mqtt-sync arus-mqtt-sync check --environment-file /etc/arus-mqtt-sync/environment',
      'arus-mqtt-sync check --strict --json | jq ".steps[] | select(.status != \\"ok\\")"',
    ],
  })
    .option('--environment-file <file>', 'variables of the service, such as its systemd EnvironmentFile')
    .option('--timeout <seconds>', 'for each step', '10')
    .option('--strict', 'exit with 5 when there are warnings')
    .option('--json', 'one JSON document in place of lines')
    .action((flags: Flags) => check(context, flags));
}

async function check(context: CommandContext, flags: Flags): Promise<void> {
  const { output, exitWith } = context;
  const timeoutMs = secondsOf('--timeout', flags.timeout) * 1000;
  const env = environmentOf(flags, context.env);
  // Loaded late: it brings the whole MQTT client.
  const { checkEnvironment } = await import('../check/check-environment.js');
  const steps: CheckStep[] = [];
  for await (const step of checkEnvironment(env, { timeoutMs })) {
    steps.push(step);
    if (!flags.json) await showStep(output, step);
  }
  exitWith(exitOf(steps, flags.strict === true));
  if (flags.json) await output.document({ passed: !steps.some(hasFailed), steps });
  else await output.line(summaryOf(steps));
}

async function showStep(output: Output, { name, status, detail, advice, tookMs }: CheckStep): Promise<void> {
  const word = output.paint(status.padEnd(7), COLOURS[status]);
  await output.line(`${word}  ${name.padEnd(13)}  ${printable(detail)} (${Math.round(tookMs)} ms)`);
  for (const sentence of advice) await output.line(`${' '.repeat(24)}${printable(sentence)}`);
}

function hasFailed({ status }: CheckStep): boolean {
  return status === 'failed';
}

function summaryOf(steps: readonly CheckStep[]): string {
  const failed = steps.find(hasFailed);
  if (failed) return `Failed: ${failed.name}. What comes after it was not tried.`;
  const warnings = steps.filter(({ status }) => status === 'warning').length;
  return warnings === 0 ? 'All is well.' : `It works, with ${formatCount(warnings, 'warning')}.`;
}

function exitOf(steps: readonly CheckStep[], isStrict: boolean): ExitCode {
  const failed = steps.find(hasFailed);
  if (failed) return failed.name === 'dns' || failed.name === 'tcp' ? EXIT.unreachable : EXIT.failed;
  return isStrict && steps.some(({ status }) => status === 'warning') ? EXIT.degraded : EXIT.ok;
}
