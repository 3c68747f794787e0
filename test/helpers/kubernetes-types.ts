import { join } from 'node:path';
import ts from 'typescript';
import { PROJECT } from './documented-commands.js';

const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  types: [],
};

/** A manifest of Kubernetes, and the type of the API it is to have, as `kubernetes-types` calls it. */
export interface TypedManifest {
  readonly name: string;
  /** Module and type, e.g. `apps/v1` and `StatefulSet`. */
  readonly api: string;
  readonly kind: string;
  readonly content: unknown;
}

/**
 * Holds manifests against the types of the Kubernetes API, as a compiler does: unknown fields, fields of the wrong type
 * and missing ones are faults.
 */
export function kubernetesFaults(manifests: readonly TypedManifest[]): string[] {
  // It is not there on disk; it only has to be where the compiler finds the packages.
  const file = join(PROJECT, 'test/manifests.ts');
  const source = manifests
    .map(({ api, kind, content }, index) => {
      const type = `import('kubernetes-types/${api}.js').${kind}`;
      return `export const manifest${index}: ${type} = ${JSON.stringify(content, undefined, 2)};`;
    })
    .join('\n');
  const host = ts.createCompilerHost(OPTIONS);
  const onDisk = { ...host };
  host.fileExists = (path) => path === file || onDisk.fileExists(path);
  host.readFile = (path) => (path === file ? source : onDisk.readFile(path));
  host.getSourceFile = (path, version, ...others) =>
    path === file ? ts.createSourceFile(path, source, version) : onDisk.getSourceFile(path, version, ...others);
  const program = ts.createProgram([file], OPTIONS, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText, start }) => {
    const line = start === undefined ? '' : source.slice(0, start).split('\n').length;
    return `${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}
