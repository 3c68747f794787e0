import { parseArgs } from 'node:util';
import { type ContenderId, CONTENDER_TITLES, CONTENDERS } from './contenders.js';
import { PROFILE_TABLE, type ProfileId, PROFILES } from './profiles.js';
import { type ScenarioId, SCENARIOS } from './run.js';

/** What the command line asks for. */
export interface Arguments {
  readonly help: boolean;
  readonly quick: boolean;
  readonly strict: boolean;
  readonly scenarios: readonly ScenarioId[];
  readonly profiles: readonly ProfileId[];
  readonly contenders: readonly ContenderId[];
  readonly rounds: number | undefined;
  readonly json: string | undefined;
  readonly cpuProfiles: string | undefined;
}

/** Who and what a quick run looks at, unless it is told. */
const QUICK_PROFILES: readonly ProfileId[] = ['loopback', 'geo'];
const QUICK_CONTENDERS: readonly ContenderId[] = ['disk', 'mqttjs', 'bridge-tuned', 'receiver', 'nest-mqtt'];

/** Something on the command line is wrong; the message says what. */
export class ArgumentsError extends Error {}

const list = (ids: readonly string[], titles: Readonly<Record<string, string>>): string =>
  ids.map((id) => `    ${id.padEnd(16)} ${titles[id] ?? ''}`).join('\n');

const SCENARIO_TITLES: Readonly<Record<ScenarioId, string>> = {
  link: 'checks the shaped links against what they claim; those that a scenario uses are always checked',
  steady: 'publishing as fast as it goes, broker there',
  drain: 'a backlog of 10,000 leaves when the link comes up',
  wire: 'bytes per message on the wire beyond the envelope',
  'event-loop': 'event-loop delay while publishing 5,000 a second',
  offline: 'accepting while there is no broker',
  recovery: 'from the return of a cut link to the first delivery',
  start: 'the service starts with a backlog: time, memory, health document',
  alert: 'one alert behind a backlog of a million on the GEO link',
  'drain-million': 'a backlog of 1,000,000 leaves, on loopback',
  receive: 'a backlog at the broker goes through the handlers of a Nest application',
};

const profileTitles = Object.fromEntries(PROFILES.map((id) => [id, PROFILE_TABLE[id].title]));

export const HELP = `Measures SyncPublisher and MqttSyncServer against the alternatives, with real processes and a real Mosquitto.

  npm run bench -- [options]

  --quick               about a minute, to see that everything works: small backlogs, one round, the contenders and
                        links that matter most, two scenarios at a time; its numbers say nothing
  --scenario a,b        only these scenarios
  --profile a,b         only these links
  --contender a,b       only these contenders
  --rounds N            rounds of each measurement (default 5, with --quick 1)
  --json FILE           where the results go (default build/bench/<time>.json)
  --cpu-prof DIR        writes a CPU profile of every contender's process, see node --cpu-prof
  --strict              ends with 1 when a measure was missed
  --help                this text

  Scenarios:
${list(SCENARIOS, SCENARIO_TITLES)}

  Links:
${list(PROFILES, profileTitles)}

  Contenders:
${list(CONTENDERS, CONTENDER_TITLES)}

It needs mosquitto (apt-get install mosquitto; MOSQUITTO_BIN names another one) and Linux. Nothing leaves 127.0.0.1.
A run ends after 60 minutes, with 1 and what was measured until then.
Results are a table on standard output and JSON in a file; progress goes to standard error.
`;

/** @throws {ArgumentsError} on what it does not know. */
export function readArguments(argv: readonly string[]): Arguments {
  const values = parse(argv);
  if (values.quick && values.strict)
    throw new ArgumentsError('--quick and --strict do not go together: the numbers of a quick run say nothing.');
  return {
    help: values.help,
    quick: values.quick,
    strict: values.strict,
    scenarios: choose('scenario', values.scenario, SCENARIOS),
    profiles: choose('profile', values.profile, PROFILES, values.quick ? QUICK_PROFILES : PROFILES),
    contenders: choose('contender', values.contender, CONTENDERS, values.quick ? QUICK_CONTENDERS : CONTENDERS),
    rounds: values.rounds === undefined ? undefined : wholeNumber('rounds', values.rounds),
    json: values.json,
    cpuProfiles: values['cpu-prof'],
  };
}

function parse(argv: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  const text = { type: 'string' } as const;
  const lists = { scenario: text, profile: text, contender: text };
  const options = { help: flag, quick: flag, strict: flag, ...lists, rounds: text, json: text, 'cpu-prof': text };
  try {
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new ArgumentsError(error instanceof Error ? error.message : String(error));
  }
}

function choose<Id extends string>(
  name: string,
  text: string | undefined,
  known: readonly Id[],
  byDefault = known,
): readonly Id[] {
  if (text === undefined) return byDefault;
  const asked = text.split(',').map((id) => id.trim());
  const unknown = asked.filter((id) => !(known as readonly string[]).includes(id));
  if (unknown.length > 0) {
    throw new ArgumentsError(`There is no ${name} "${unknown.join('", "')}". Choose from: ${known.join(', ')}.`);
  }
  return known.filter((id) => asked.includes(id));
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new ArgumentsError(`--${name} must be a whole number above 0, not "${text}".`);
}
