import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { PROJECT } from './documented-commands.js';

/** Text of a file of the project. */
export const projectText = (path: string): string => readFileSync(`${PROJECT}/${path}`, 'utf8');

/** Content of a YAML file of the project. Tags of Compose, such as `!reset`, count as nothing. */
export const projectYaml = (path: string): unknown => parse(projectText(path), { logLevel: 'silent' });

export const isInProject = (path: string): boolean => existsSync(`${PROJECT}/${path}`);
