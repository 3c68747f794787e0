import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Workplace } from '../helpers/deployed-broker.js';
import { documentedCommands } from '../helpers/documented-commands.js';
import { isInProject, projectText, projectYaml } from '../helpers/project-files.js';
import { runDocumented } from '../helpers/runbook.js';

const DOCUMENT = 'docs/deployment.md';

/** Says how it was called, an argument a line, and with which variables. */
const TOLD = '#!/bin/bash\nprintf "%s\\n" "${0##*/}" "$@"\nenv | sed "s/^/env /"\n';

describe('the commands of docs/deployment.md', () => {
  it('give Compose every variable that its files ask for, and files that there are', () => {
    const said = runDocumented(documentedCommands(DOCUMENT, 'compose'), {}, { docker: TOLD }).split('\n');
    const files = said.filter((_line, index) => said[index - 1] === '-f');
    expect(files).toEqual(['docker-compose.yml', 'deploy/compose/shore.yml']);
    const text = files.map(projectText).join('\n');
    const needed = [...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name!);
    expect(needed.length).toBeGreaterThan(3);
    expect(needed.filter((name) => !said.some((line) => line.startsWith(`env ${name}=`)))).toEqual([]);
  });

  it('give Kubernetes the secret that the service reads, from the certificates of docs/broker-setup.md', () => {
    const { folder } = new Workplace();
    const commands = `cd '${folder}'\n${documentedCommands(DOCUMENT, 'kubernetes')}`;
    const said = runDocumented(commands, {}, { kubectl: TOLD }).split('\n');
    const given = said.join('\n').matchAll(/^--from-(?:file|literal)=([^=]+)=(.+)$/gm);
    const secret = Object.fromEntries([...given].map(([, key, value]) => [key!, value!]));
    const example = projectYaml('deploy/kubernetes/secret.example.yaml') as { stringData: object };
    expect(Object.keys(secret)).toEqual(Object.keys(example.stringData));
    const { 'ingress-token': token, ...files } = secret;
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    for (const file of Object.values(files)) expect([file, existsSync(join(folder, file))]).toEqual([file, true]);
    const applied = said.filter((_line, index) => /^-[fk]$/.test(said[index - 1] ?? ''));
    expect(applied.map((path) => [path, isInProject(path)])).toEqual([
      ['deploy/kubernetes/namespace.yaml', true],
      ['deploy/kubernetes', true],
    ]);
  });
});
