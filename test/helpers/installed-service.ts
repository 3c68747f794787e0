import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { type DeployedBroker, type Workplace } from './deployed-broker.js';
import { documentedCommands, PROJECT, runCommands } from './documented-commands.js';
import { temporaryFolder } from './service-process.js';

const DOCUMENT = 'docs/deployment.md';

/** A service as the document installs it for systemd, with a folder in place of `/`, and this user's group in place of its own. */
export class InstalledService {
  readonly root = temporaryFolder();

  constructor(
    private readonly workplace: Workplace,
    private readonly broker: DeployedBroker,
  ) {
    mkdirSync(join(this.root, 'var/lib'), { recursive: true });
    // As an installed program lies on the PATH.
    const program = `#!/bin/sh\nexec '${process.execPath}' '${join(PROJECT, 'dist/service/cli/main.js')}' "$@"\n`;
    writeFileSync(join(this.root, 'arus-mqtt-sync'), program, { mode: 0o755 });
  }

  /** Runs commands of the document. */
  run(name: string, input = ''): string {
    const commands = documentedCommands(DOCUMENT, name)
      .replaceAll(/(?<![\w.])\/(?:etc|usr|opt)\//g, (path) => `${this.root}${path}`)
      .replaceAll('systemd-sysusers ', `systemd-sysusers --root=${this.root} `)
      .replaceAll('runuser -u arus-mqtt-sync -- ', '')
      .replaceAll('-g arus-mqtt-sync', `-g ${process.getgid!()}`);
    return runCommands(`export PATH='${this.root}':"$PATH"\n${commands}`, this.workplace.folder, input);
  }

  file(path: string): string {
    return join(this.root, path);
  }

  /** Our broker is on this machine, its ports are free ones, and the folder is not `/etc`. */
  adaptSettings(): void {
    const { port, passwordPort } = this.broker;
    const file = this.file('etc/arus-mqtt-sync/environment');
    const settings = readFileSync(file, 'utf8')
      .replaceAll('=/etc/', `=${this.root}/etc/`)
      .replace('broker.shore.example:8883', `localhost:${port}`)
      .replace('broker.shore.example:8884', `localhost:${passwordPort}`);
    writeFileSync(file, settings);
  }

  /** What the unit gives to the service, in the order in which later values win. */
  get environment(): Readonly<Record<string, string>> {
    const unit = readFileSync(this.file('etc/systemd/system/arus-mqtt-sync.service'), 'utf8');
    const own = [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, pairs]) => pairs!.split(' '));
    const file = /^EnvironmentFile=(.*)$/m.exec(unit)![1]!;
    const settings = parseEnv(readFileSync(this.file(file), 'utf8')) as Record<string, string>;
    return { ...parseEnv(own.join('\n').replaceAll('%S', this.file('var/lib'))), ...settings } as Record<
      string,
      string
    >;
  }
}
