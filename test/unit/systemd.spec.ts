import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { resolveOptions } from '../../src/mqtt-sync/resolve-options.js';
import { readEnvironment } from '../../src/service/environment/environment.js';
import { sourceOf, unknownVariables } from '../helpers/deployed-names.js';
import { isInProject, projectText } from '../helpers/project-files.js';

const unit = projectText('deploy/systemd/arus-mqtt-sync.service');
const valuesOf = (key: string) => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value!);

describe('the systemd unit', () => {
  it('sets only variables that the service knows', () => {
    const names = valuesOf('Environment').flatMap((line) => line.split(' ').map((pair) => pair.split('=', 1)[0]!));
    expect(names).toContain('MQTT_QUEUE_DIR');
    expect(unknownVariables(names)).toEqual([]);
  });

  it('starts what there is, and gives it longer to stop than it takes', () => {
    expect(isInProject(sourceOf(valuesOf('ExecStart')[0]!))).toBe(true);
    expect(Number(valuesOf('TimeoutStopSec')[0]) * 1000).toBeGreaterThan(resolveOptions({}).shutdownDeadlineMs);
  });

  // With CI=true it fails where systemd is missing, rather than pass unseen.
  it.skipIf(spawnSync('systemd-analyze', ['--version']).error && process.env.CI !== 'true')(
    'is what systemd understands, and leaves the service little to reach',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'systemd-unit-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const file = join(folder, 'arus-mqtt-sync.service');
      // Node may be elsewhere on this machine.
      writeFileSync(file, unit.replace('/usr/bin/node', process.execPath));
      const verify = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
      expect([verify.status, verify.stderr]).toEqual([0, '']);
      // The exposure is counted from 0 to 10, times ten here: a unit without any protection has 9.6.
      const limit = ['security', '--offline=true', '--threshold=20', file];
      expect(spawnSync('systemd-analyze', limit, { encoding: 'utf8' }).status).toBe(0);
    },
  );

  // A file loaded as a credential must be there, and is a copy of the time of the start: the service would see no renewed one.
  it('copies no file, so that a renewed certificate counts, and a ship needs only the files that it uses', () => {
    expect([...valuesOf('LoadCredential'), ...valuesOf('BindReadOnlyPaths')]).toEqual([]);
    expect(valuesOf('Environment').join(' ')).not.toContain('_FILE=');
  });

  it('keeps the queue in its state folder', () => {
    expect(valuesOf('Environment').join(' ')).toContain(`MQTT_QUEUE_DIR=%S/${valuesOf('StateDirectory')[0]}`);
  });
});

describe('the example of its settings', () => {
  const example = projectText('deploy/systemd/environment.example');
  const linesOf = (pattern: RegExp) =>
    [...example.matchAll(pattern)].map(([, name, value]) => [name!, value!] as const);
  const resolve = (settings: readonly (readonly [string, string])[]) =>
    readEnvironment(Object.fromEntries(settings)).resolved;

  it('has only variables that the service knows', () => {
    expect(unknownVariables(linesOf(/^#?([A-Z_]+)=(.*)$/gm).map(([name]) => name))).toEqual([]);
  });

  it('is for a ship with a certificate', () => {
    const { tlsEnabled, tls, passwordFile } = resolve(linesOf(/^([A-Z_]+)=(.*)$/gm));
    const folder = '/etc/arus-mqtt-sync';
    expect({ tlsEnabled, tls, passwordFile }).toMatchObject({
      tlsEnabled: true,
      tls: { caFile: `${folder}/ca.crt`, certFile: `${folder}/vessel.crt`, keyFile: `${folder}/vessel.key` },
      passwordFile: undefined,
    });
  });

  it('is for a ship with a password, with the lines that it leaves out', () => {
    const settings = linesOf(/^#?([A-Z_]+)=(.*)$/gm).filter(([name]) => !/_CERT_FILE|_KEY_FILE/.test(name));
    const { vesselId, username, passwordFile } = resolve(settings);
    expect([username, passwordFile]).toEqual([vesselId, '/etc/arus-mqtt-sync/password']);
  });
});
