import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { DeployedBroker, Workplace } from './deployed-broker.js';
import { documentedCommands, PROJECT, runCommands } from './documented-commands.js';
import { temporaryFolder } from './service-process.js';

const DOCUMENT = 'docs/deployment.md';

/** Program and settings as the document installs them for systemd, with a folder in place of `/`, and this user's group in place of its own. */
export class InstalledService {
  readonly root = temporaryFolder();

  constructor(
    private readonly workplace: Workplace,
    private readonly broker: DeployedBroker,
  ) {
    for (const folder of ['var/lib', 'usr/local/bin']) mkdirSync(join(this.root, folder), { recursive: true });
    for (const name of ['package.json', 'README.md', 'LICENSE', 'docs', 'dist'])
      cpSync(join(PROJECT, name), join(workplace.folder, name), { recursive: true });
    // Copying it would take longer than everything else.
    symlinkSync(join(PROJECT, 'node_modules'), join(workplace.folder, 'node_modules'));
    this.run('systemd program');
  }

  /** Runs commands of the document. */
  run(name: string, input = ''): string {
    const commands = documentedCommands(DOCUMENT, name)
      .replaceAll(/(?<![\w.])\/(?:etc|usr|opt)\//g, (path) => `${this.root}${path}`)
      .replaceAll('systemd-sysusers ', `systemd-sysusers --root=${this.root} `)
      .replaceAll('runuser -u arus-mqtt-sync -- ', '')
      .replaceAll('-g arus-mqtt-sync', `-g ${process.getgid!()}`);
    return runCommands(`export PATH='${this.root}/usr/local/bin':"$PATH"\n${commands}`, this.workplace.folder, input);
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
