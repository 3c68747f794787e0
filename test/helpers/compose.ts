import { projectYaml } from './project-files.js';

/** What the tests want to know of a service of a Compose file. */
export interface ComposeService {
  readonly image?: string;
  /** A variable without a value is handed on from where Compose is started. */
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly command?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

export const composeFile = (path: string): Compose => projectYaml(path) as Compose;

/** `source:target[:mode]`; a source may be a variable with a colon in it. */
export function mount(text: string): { source: string; target: string } {
  const [, source, target] = /^(\$\{[^}]*\}|[^:]*):([^:]*)(?::\w+)?$/.exec(text)!;
  return { source: source!, target: target! };
}

/** A value as Compose hands it on, given what is set where Compose is started. */
export function composed(value: string, set: Readonly<Record<string, string>> = {}): string {
  return value.replaceAll(/\$\{(\w+)(?::-([^}]*)|:\?[^}]*)\}/g, (_whole, name: string, otherwise = '') => {
    return set[name] ?? (otherwise as string);
  });
}

/** The environment of a service as Compose makes it, given what is set where Compose is started. */
export function composedEnvironment(
  { environment = {} }: ComposeService,
  set: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const entries = Object.entries(environment).map(([name, value]) => {
    return [name, value === null ? set[name] : composed(value, set)] as const;
  });
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
}
