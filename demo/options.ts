import { parseArgs } from 'node:util';

/** How the demo is to run. */
export interface DemoOptions {
  /** Port of the service's HTTP side; 0: any free one. */
  readonly port: number;
  /** Seed of the simulated ship: the same seed writes the same changes. */
  readonly seed: number;
  /** A shorter story, for CI. */
  readonly quick: boolean;
  /** Stay up after the story, until Ctrl-C. */
  readonly keep: boolean;
}

export const HELP = `Shows ARUS MQTT Sync at work: a ship, a link that fails, a service that is killed, and a shore that misses nothing.
Starts everything it needs by itself, on loopback, and removes it at the end.

  npm run demo -- [options]

  --quick      a short story of about 12 seconds (the whole one takes about 40)
  --keep       stay up after the story, until Ctrl-C
  --port <n>   port of the service's HTTP side (default: any free one)
  --seed <n>   seed of the simulated ship (default: 1)
  --help       this text

The exit code is 0 only if the ledger balances: nothing lost, nothing out of order, nothing dropped.`;

/**
 * Reads the command line; `help` when that is what was asked for.
 * @throws {Error} on an argument it does not know or cannot use.
 */
export function readOptions(args: readonly string[]): DemoOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      port: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    quick: values.quick,
    keep: values.keep,
    port: wholeNumber('--port', values.port, 65_535),
    seed: wholeNumber('--seed', values.seed, 0xffff_ffff),
  };
}

function wholeNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > max) throw new Error(`${name} takes a whole number from 0 to ${max}`);
  return value;
}
