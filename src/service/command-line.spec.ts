import { describe, expect, it } from 'vitest';
import { answerCommandLine } from './command-line.js';
import { VARIABLES } from './environment/variables.js';

describe('the command line', () => {
  it('starts the service without arguments', () => {
    expect(answerCommandLine([])).toBeUndefined();
  });

  it('prints every variable with its default for --help', () => {
    const answer = answerCommandLine(['--help'])!;
    expect(answer.exitCode).toBe(0);
    for (const { name, byDefault } of VARIABLES) {
      const line = answer.text.split('\n').find((text) => text.trim().startsWith(`${name} `));
      expect(line, name).toContain(byDefault);
    }
  });

  it('prints its version for --version', () => {
    expect(answerCommandLine(['--version'])).toEqual({
      text: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
      exitCode: 0,
    });
  });

  it('refuses what it does not know', () => {
    expect(answerCommandLine(['--port=1'])!.exitCode).not.toBe(0);
  });
});
