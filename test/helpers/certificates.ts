import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** PEM files of one certificate. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Whether the `openssl` command can be run. */
export function hasOpenssl(): boolean {
  return spawnSync('openssl', ['version']).status === 0;
}

function openssl(...args: string[]): void {
  const run = spawnSync('openssl', args, { encoding: 'utf8' });
  if (run.error) throw new Error('The openssl command is needed for the TLS tests; install it', { cause: run.error });
  if (run.status !== 0) throw new Error(`openssl ${args[0]} failed: ${run.stderr}`);
}

// Elliptic curves: a second RSA key would cost more than the rest of a test.
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** A certificate authority of its own in a temporary folder, removed with the test. */
export class CertificateAuthority {
  private constructor(readonly folder: string) {}

  static create(name = 'Test CA'): CertificateAuthority {
    const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const authority = new CertificateAuthority(folder);
    const files = ['-keyout', authority.file('ca.key'), '-out', authority.file('ca.crt')];
    openssl('req', '-x509', ...NEW_KEY, '-days', '2', '-subj', `/CN=${name}`, ...files);
    return authority;
  }

  /** The certificate of the authority itself. */
  get caFile(): string {
    return this.file('ca.crt');
  }

  /** A certificate for `localhost` and `127.0.0.1`, or other names. */
  issueServer(altNames = 'DNS:localhost,IP:127.0.0.1'): CertificateFiles {
    return this.issue('server', `subjectAltName=${altNames}\nextendedKeyUsage=serverAuth\n`);
  }

  /** A client certificate; `name` is its common name. */
  issueClient(name: string): CertificateFiles {
    return this.issue(name, 'extendedKeyUsage=clientAuth\n');
  }

  private issue(name: string, extensions: string): CertificateFiles {
    const files = { certFile: this.file(`${name}.crt`), keyFile: this.file(`${name}.key`) };
    const request = this.file(`${name}.csr`);
    openssl('req', ...NEW_KEY, '-subj', `/CN=${name}`, '-keyout', files.keyFile, '-out', request);
    writeFileSync(this.file('extensions'), extensions);
    const signer = ['-CA', this.caFile, '-CAkey', this.file('ca.key'), '-CAcreateserial', '-days', '2'];
    openssl('x509', '-req', '-in', request, ...signer, '-extfile', this.file('extensions'), '-out', files.certFile);
    return files;
  }

  private file(name: string): string {
    return join(this.folder, name);
  }
}
