import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { documentedCommands, PROJECT, runCommands } from './documented-commands.js';
import { Mosquitto } from './mosquitto.js';
import { freePort } from './ports.js';

const DOCUMENT = 'docs/broker-setup.md';

/** Name of the broker on shore in document and files. */
const SHORE_HOST = 'broker.shore.example';

/** The password of the user `shore`. */
export const SHORE_PASSWORD = 'lee-shore';

/** A folder to run the commands of the document in: `deploy` is there, and `certificates` will be. */
export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'broker-setup-'));

  /** Runs the documented commands for the certificates; removed with the test. */
  constructor() {
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
    symlinkSync(join(PROJECT, 'deploy'), join(this.folder, 'deploy'));
    this.run('certificates');
  }

  /** Commands of the document. Our brokers are on this machine, and their folder is not `/etc/mosquitto`. */
  run(name: string, etc = ''): void {
    const isRoot = process.getuid?.() === 0;
    const commands = documentedCommands(DOCUMENT, name)
      .replaceAll(`DNS:${SHORE_HOST}`, 'DNS:localhost IP:127.0.0.1')
      .replaceAll('/etc/mosquitto', etc)
      .replaceAll(/^chown .*$/gm, (line) => (isRoot ? line : ''));
    runCommands(commands, this.folder, `${SHORE_PASSWORD}\n${SHORE_PASSWORD}\n`);
  }

  certificates(...args: readonly string[]): string {
    return runCommands(`deploy/mosquitto/make-certificates.sh ${args.join(' ')}`, this.folder);
  }

  /** Files as the service and MQTT.js want them. */
  filesOf(name: string) {
    const file = (path: string) => join(this.folder, 'certificates', path);
    return { ca: file('ca.crt'), cert: file(`issued/${name}.crt`), key: file(`issued/${name}.key`) };
  }
}

/** A broker set up as the document says, and where it listens. */
export interface DeployedBroker {
  readonly broker: Mosquitto;
  /** In place of 8883: certificates. */
  readonly port: number;
  /** In place of 8884: passwords. */
  readonly passwordPort: number;
  /** In place of `/etc/mosquitto`. */
  readonly etc: string;
}

/** What is changed in the configuration for the test: folders, ports, and the addresses listened on and dialled; the document says so. */
interface Substitutes {
  readonly etc: string;
  readonly port: number;
  readonly passwordPort: number;
  readonly shorePort?: number | undefined;
}

function substitute(configuration: string, { etc, port, passwordPort, shorePort }: Substitutes): string {
  return configuration
    .replaceAll('/etc/mosquitto', etc)
    .replaceAll('/var/lib/mosquitto', join(etc, 'data'))
    .replace(/^listener 8883$/m, `listener ${port} 127.0.0.1`)
    .replace(/^listener 8884$/m, `listener ${passwordPort} 127.0.0.1`)
    .replace(`address ${SHORE_HOST}:8883`, `address localhost:${shorePort}`);
}

/**
 * Sets a broker up with the documented commands and starts it. Run by root it changes to the user `mosquitto`, as
 * Debian's does.
 */
export async function deployBroker(
  workplace: Workplace,
  name: 'shore' | 'board',
  { shorePort, adapt = (text) => text }: { shorePort?: number; adapt?: (configuration: string) => string } = {},
): Promise<DeployedBroker> {
  const passwordPort = await freePort();
  let etc = '';
  const broker = await Mosquitto.start({
    whole: (folder, port) => {
      etc = folder;
      mkdirSync(join(folder, 'data'));
      workplace.run(name, folder);
      openTo('mosquitto', folder);
      const configuration = readFileSync(join(folder, 'mosquitto.conf'), 'utf8');
      return substitute(adapt(configuration), { etc: folder, port, passwordPort, shorePort });
    },
  });
  return { broker, port: broker.port, passwordPort, etc };
}

/** A temporary folder is closed to others; the user that the broker changes to must reach its files and write its data. */
function openTo(user: string, folder: string): void {
  if (process.getuid?.() !== 0) return;
  chmodSync(folder, 0o755);
  runCommands(`chown ${user}: data`, folder);
}
