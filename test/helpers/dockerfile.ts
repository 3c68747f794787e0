/** One instruction of a Dockerfile. */
export interface Instruction {
  readonly keyword: string;
  readonly rest: string;
}

/** Splits a Dockerfile into instructions: comments gone, continued lines joined. */
export function parseDockerfile(text: string): Instruction[] {
  const joined = text.replaceAll(/^\s*#.*\n/gm, '').replaceAll(/\\\n\s*/g, ' ');
  return joined
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, keyword, rest] = /^(\w+)\s+(.*)$/.exec(line.trim())!;
      return { keyword: keyword!.toUpperCase(), rest: rest! };
    });
}

/** The stages, each from its FROM on. */
export function stagesOf(instructions: readonly Instruction[]): { name: string; steps: Instruction[] }[] {
  const stages: { name: string; steps: Instruction[] }[] = [];
  for (const instruction of instructions) {
    if (instruction.keyword === 'FROM') {
      stages.push({ name: / AS (\S+)$/i.exec(instruction.rest)?.[1] ?? 'result', steps: [] });
    }
    stages.at(-1)?.steps.push(instruction);
  }
  return stages;
}

/** Sources, destination, and the stage they come from; undefined: from the project. */
export function parseCopy(rest: string): { from: string | undefined; sources: string[]; to: string } {
  const words = rest.split(/\s+/);
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
  const paths = words.filter((word) => !word.startsWith('--'));
  return { from, sources: paths.slice(0, -1), to: paths.at(-1)! };
}

/** Names and values of ENV instructions. */
export function environmentOf(instructions: readonly Instruction[]): Record<string, string> {
  const pairs = instructions
    .filter(({ keyword }) => keyword === 'ENV')
    .flatMap(({ rest }) => rest.split(/\s+/))
    .map((pair) => pair.split('=', 2) as [string, string]);
  return Object.fromEntries(pairs);
}

/** The words of a command in exec form. */
export function execForm(rest: string): string[] {
  return JSON.parse(rest.slice(rest.indexOf('['))) as string[];
}
