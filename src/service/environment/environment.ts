import type * as z from 'zod';
import { OptionsError, type OptionFault } from '../../mqtt-sync/errors.js';
import type { MqttSyncOptions } from '../../mqtt-sync/mqtt-sync.options.js';
import { resolveOptions, type ResolvedOptions } from '../../mqtt-sync/resolve-options.js';
import { serviceSettings, type ServiceSettings } from '../service-settings.js';
import { firstLineOf, TokenFileError } from '../token-file.js';
import { nameVariables } from './fault-names.js';
import { SERVICE_VARIABLES, SYNC_VARIABLES, type Variable, VARIABLES } from './variables.js';

/** The environment, understood. */
export interface Environment {
  /** For `MqttSyncModule`. */
  readonly options: MqttSyncOptions;
  /** The same with its defaults, for whoever must know them before the module is there. */
  readonly resolved: ResolvedOptions;
  readonly settings: ServiceSettings;
  /** Values that must not appear in any output. */
  readonly secrets: readonly string[];
}

/** The environment is wrong; lists every bad variable at once, without its value. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';

  constructor(readonly faults: readonly { readonly variable: string; readonly message: string }[]) {
    super(faults.map(({ variable, message }) => `${variable}: ${message}`).join('\n'));
  }
}

/**
 * Maps environment variables to options and settings, and reads the file of the token. Unknown variables are ignored, empty ones count as unset;
 * one of spaces alone is somebody's mistake.
 * @throws {EnvironmentError} naming every bad variable.
 */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const faults: OptionFault[] = [];
  const options = parse(SYNC_VARIABLES, env, faults) as MqttSyncOptions;
  const ofService = parse(SERVICE_VARIABLES, env, faults);
  const settings = serviceSettings.safeParse(withToken(ofService, faults));
  faults.push(...faultsOf(settings.error).map((fault) => blameFile(fault, ofService)));
  const resolved = attempt(() => resolveOptions(options), faults);
  if (faults.length > 0 || !resolved || !settings.data) throw new EnvironmentError(nameVariables(faults));
  return { options, resolved, settings: settings.data, secrets: secretsOf(env, settings.data) };
}

/** Turns the text of the variables that are set into values; those whose text makes no sense are left out. */
function parse(variables: readonly Variable[], env: NodeJS.ProcessEnv, faults: OptionFault[]): object {
  const values = {};
  for (const { name, path, type, isSecret } of variables) {
    const text = env[name];
    if (text === undefined || text === '') continue;
    if (!isSecret && text.trim() === '') {
      faults.push({ path, message: 'is nothing but spaces: give it a value, or leave it out' });
      continue;
    }
    const parsed = type.safeParse(text);
    if (parsed.success) setAt(values, path, parsed.data);
    else faults.push(...faultsOf(parsed.error).map(({ message }) => ({ path, message })));
  }
  return values;
}

interface TokenFields {
  readonly ingressToken?: string | undefined;
  readonly ingressTokenFile?: string;
}

/** The file wins over the variable: it can be kept from those who see the environment. */
function withToken(fields: TokenFields, faults: OptionFault[]): TokenFields {
  const { ingressTokenFile: file } = fields;
  if (file === undefined) return fields;
  try {
    return { ...fields, ingressToken: firstLineOf(file) };
  } catch (error) {
    if (!(error instanceof TokenFileError)) throw error;
    faults.push({ path: 'ingressTokenFile', message: error.message });
    // What the variable has does not count then, and is not to blame either.
    return { ...fields, ingressToken: undefined };
  }
}

/** What is wrong with the token is wrong with the file that it comes from. */
function blameFile(fault: OptionFault, { ingressTokenFile }: TokenFields): OptionFault {
  if (fault.path !== 'ingressToken' || ingressTokenFile === undefined) return fault;
  return { path: 'ingressTokenFile', message: `the first line of ${ingressTokenFile}: ${fault.message}` };
}

function setAt(target: Record<string, unknown>, path: string, value: unknown): void {
  const dot = path.indexOf('.');
  if (dot < 0) target[path] = value;
  else setAt((target[path.slice(0, dot)] ??= {}) as Record<string, unknown>, path.slice(dot + 1), value);
}

function faultsOf(error: z.ZodError | undefined): OptionFault[] {
  return (error?.issues ?? []).map(({ path, message }) => ({ path: path.join('.'), message }));
}

function attempt<T>(resolve: () => T, faults: OptionFault[]): T | undefined {
  try {
    return resolve();
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    faults.push(...error.faults);
    return undefined;
  }
}

/** The secret variables, the token from a file, and the password that a broker URL may hold, as it stands there and decoded. */
function secretsOf(env: NodeJS.ProcessEnv, { ingressToken = '' }: Pick<ServiceSettings, 'ingressToken'>): string[] {
  const secrets = VARIABLES.filter(({ isSecret }) => isSecret).map(({ name }) => env[name] ?? '');
  const url = env.MQTT_BROKER_URL?.trim() ?? '';
  const inUrl = URL.canParse(url) ? new URL(url).password : '';
  return [...new Set([...secrets, ingressToken, inUrl, decoded(inUrl)])].filter((secret) => secret !== '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
