import type { OptionFault } from '../../mqtt-sync/errors.js';
import { VARIABLES } from './variables.js';

/**
 * Says the faults in the words of whoever set the variables: paths of options become names of variables, in front and
 * inside the message.
 */
export function nameVariables(faults: readonly OptionFault[]): { variable: string; message: string }[] {
  return faults.map(({ path, message }) => {
    const mentioned = new Set<string>();
    const said = message.replaceAll(/[A-Za-z][A-Za-z.]*/g, (word) => {
      const name = variableAt(`${path}.${word}`) ?? (word.includes('.') ? variableAt(word) : undefined);
      if (name !== undefined) mentioned.add(name);
      return name ?? word;
    });
    return { variable: variableAt(path) ?? ([...mentioned].join(', ') || path), message: said };
  });
}

function variableAt(path: string): string | undefined {
  return VARIABLES.find((variable) => variable.path === path)?.name;
}
