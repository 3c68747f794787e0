import { cpSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { deployBroker, SHORE_PASSWORD, Workplace } from '../helpers/deployed-broker.js';
import { runCommands } from '../helpers/documented-commands.js';
import { findProgram } from '../helpers/find-program.js';
import { InstalledService } from '../helpers/installed-service.js';
import { findMosquitto } from '../helpers/mosquitto-process.js';
import { describeWith } from '../helpers/programs.js';
import { ServiceProcess } from '../helpers/service-process.js';

const alert = { entity: 'alerts', operation: 'create', key: 'AL-1', data: { id: 'AL-1' } };

async function install() {
  const workplace = new Workplace();
  const broker = await deployBroker(workplace, 'shore');
  const installed = new InstalledService(workplace, broker);
  installed.run('systemd');
  return { workplace, broker, installed };
}

/** Starts the service with what the unit gives it, on a free port. */
const start = (installed: InstalledService) => ServiceProcess.start({ ...installed.environment, PORT: '0' });

async function deliver(service: ServiceProcess, total: number): Promise<void> {
  expect((await service.post(alert)).status).toBe(202);
  await service.untilHealth('the delivery', ({ detailedMetrics }) => detailedMetrics.messagesPublished === total);
}

const programs = { mosquitto: findMosquitto(), 'systemd-sysusers': findProgram('systemd-sysusers') };

describeWith(programs, 'a ship installed for systemd as documented', () => {
  it('has a user of its own, and nobody else may read its settings and its key', async () => {
    const { installed } = await install();
    const { User, Group } = Object.fromEntries(
      [
        ...readFileSync(installed.file('etc/systemd/system/arus-mqtt-sync.service'), 'utf8').matchAll(/^(\w+)=(.*)$/gm),
      ].map(([, key, value]) => [key!, value!]),
    );
    expect(readFileSync(installed.file('etc/passwd'), 'utf8')).toMatch(
      new RegExp(`^${User}:.*:/usr/sbin/nologin$`, 'm'),
    );
    expect(readFileSync(installed.file('etc/group'), 'utf8')).toMatch(new RegExp(`^${Group}:`, 'm'));
    const modes = ['', 'environment', 'ca.crt', 'vessel.crt', 'vessel.key'].map(
      (name) => statSync(installed.file(join('etc/arus-mqtt-sync', name))).mode & 0o777,
    );
    expect(modes).toEqual([0o750, 0o640, 0o640, 0o640, 0o640]);
  });

  it('delivers with its certificate, and with a renewed one without a restart', async () => {
    const { workplace, broker, installed } = await install();
    installed.adaptSettings();
    expect(installed.run('systemd check')).toMatch(/All is well\.\n$/);
    const service = await start(installed);
    await deliver(service, 1);
    workplace.run('renewal');
    revokeReplaced(workplace);
    cpSync(join(workplace.folder, 'certificates/revoked.crl'), join(broker.etc, 'certificates/revoked.crl'));
    runCommands('chmod 644 certificates/revoked.crl', broker.etc);
    await broker.broker.restart();
    await service.untilHealth('the old certificate to be refused', ({ mqtt }) => mqtt.reconnectAttempts >= 2);
    installed.run('systemd renewal');
    await deliver(service, 2);
  }, 90_000);

  it('delivers with a password, and no certificate is looked for', async () => {
    const { broker, installed } = await install();
    runCommands(`rm vessel.crt vessel.key`, installed.file('etc/arus-mqtt-sync'));
    runCommands(`mosquitto_passwd -b passwords mv-aurora '${SHORE_PASSWORD}'`, broker.etc);
    broker.broker.reload();
    installed.run('systemd password', `${SHORE_PASSWORD}\n`);
    runCommands(`sed -i s/:8883/:8884/ environment`, installed.file('etc/arus-mqtt-sync'));
    installed.adaptSettings();
    expect(installed.run('systemd check')).toMatch(/All is well\.\n$/);
    await deliver(await start(installed), 1);
  });
});

/** `make-certificates.sh revoke` would revoke every certificate of the name, the renewed one too. */
function revokeReplaced(workplace: Workplace): void {
  const settings = '-config certificates/authority/openssl.cnf';
  runCommands(`openssl ca ${settings} -revoke certificates/replaced/mv-aurora.crt 2>&1`, workplace.folder);
  workplace.certificates('crl');
}
