import { VARIABLES } from '../../src/service/environment/variables.js';

/** Read by Node and by us, beside the variables of the service. */
const OTHER_VARIABLES = ['NODE_ENV'];

/** Names of variables in a deployment file that nobody reads. */
export const unknownVariables = (names: readonly string[]): string[] => {
  const known = new Set([...VARIABLES.map(({ name }) => name), ...OTHER_VARIABLES]);
  return names.filter((name) => !known.has(name));
};

/** Compiled files that something starts, as sources. */
export const sourceOf = (compiled: string): string => compiled.replace(/^.*?dist\//, 'src/').replace(/\.js$/, '.ts');
