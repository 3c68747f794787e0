import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CliError } from '../cli-error.js';
import { targetOf } from './target-options.js';

function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'arus-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'file');
  writeFileSync(file, text);
  return file;
}

describe('what a command works on', () => {
  it.each([
    [{}, 'http://127.0.0.1:5000'],
    [{ PORT: '', HOST: '' }, 'http://127.0.0.1:5000'],
    [{ PORT: '8080', HOST: '0.0.0.0' }, 'http://127.0.0.1:8080'],
    [{ PORT: '8080', HOST: '10.0.0.7' }, 'http://10.0.0.7:8080'],
    [{ HOST: 'fd00::1' }, 'http://[fd00::1]:5000'],
    [{ HOST: '::' }, 'http://127.0.0.1:5000'],
    [{ PORT: ' 8080', HOST: '10.0.0.7\r' }, 'http://10.0.0.7:8080'],
  ])('is, with %j, the service at %s', (env, url) => {
    expect(targetOf({}, env)).toMatchObject({ kind: 'service', url, isDefault: true, timeoutMs: 10_000 });
  });

  it('is the service or the folder that is named', () => {
    expect(targetOf({ url: 'https://ship:8443/', timeout: '3' }, { PORT: '1' })).toEqual({
      ...{ kind: 'service', url: 'https://ship:8443', timeoutMs: 3000, token: undefined, isDefault: false },
    });
    expect(targetOf({ queueDir: '/queue' }, {})).toEqual({ kind: 'folder', dir: '/queue' });
  });

  it('takes the token from where it may be newest', () => {
    const [byOption, byVariable] = [fileWith('first\nsecond\n'), fileWith(' third \r\n')];
    const env = { SYNC_INGRESS_TOKEN: 'fourth', SYNC_INGRESS_TOKEN_FILE: byVariable };
    expect(targetOf({ tokenFile: byOption }, env)).toMatchObject({ token: 'first' });
    expect(targetOf({}, env)).toMatchObject({ token: 'third' });
    expect(targetOf({}, { ...env, SYNC_INGRESS_TOKEN_FILE: '' })).toMatchObject({ token: 'fourth' });
    expect(targetOf({}, { SYNC_INGRESS_TOKEN: '' })).toMatchObject({ token: undefined });
  });

  it('takes variables from a file, over those of the shell', () => {
    const environmentFile = fileWith('# of the service\nPORT=8080\nSYNC_INGRESS_TOKEN="sesame"\n');
    expect(targetOf({ environmentFile }, { PORT: '1', HOST: '10.0.0.7' })).toMatchObject({
      ...{ url: 'http://10.0.0.7:8080', token: 'sesame' },
    });
  });

  it('is refused with the reason where that file cannot be read', () => {
    const environmentFile = join(tmpdir(), 'arus-no-such-file');
    expect(() => targetOf({ environmentFile }, {})).toThrow(
      `--environment-file: ${environmentFile} cannot be read (ENOENT).`,
    );
  });

  it('is refused where that file is something else: the default would stand in without a word', () => {
    const environmentFile = fileWith('{"entity":"crew","operation":"update"}\n');
    expect(() => targetOf({ environmentFile }, {})).toThrow(
      `--environment-file: ${environmentFile} is no file of variables: line 1 is neither NAME=value nor a comment.`,
    );
  });

  it('is refused by the name of the file where the token in it is empty', () => {
    const tokenFile = fileWith('  \nsesame\n');
    expect(() => targetOf({ tokenFile }, {})).toThrow(`--token-file: the first line of ${tokenFile} is empty: `);
  });

  it('is refused without a word of the token where that fits no header', () => {
    const attempt = () => targetOf({ tokenFile: fileWith('sesa me\n') }, {});
    expect(attempt).toThrow(CliError);
    expect(attempt).not.toThrow(/sesa/);
  });
});
