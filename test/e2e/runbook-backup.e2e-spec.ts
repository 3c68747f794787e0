import { cpSync, existsSync, mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { draft, openOnDisk } from '../contract/queue-harness.js';
import { PROJECT } from '../helpers/documented-commands.js';
import { contentOf, runbookCommands, runDocumented } from '../helpers/runbook.js';
import { temporaryFolder } from '../helpers/service-process.js';
import { stoppedFolder } from '../helpers/stopped-folder.js';

/** In place of what stops and starts the service: writes down how it was called. */
const NOTED = '#!/bin/bash\necho "${0##*/} $*" >> "$CALLS"\n';

/** In place of `docker` and `kubectl`: runs here what is to be run in the container, on the queue in place of `/queue`. */
const IN_CONTAINER = 'cd "$PROJECT" && exec "${@//\\/queue/$QUEUE}"\n';
const DOCKER = `${NOTED}[[ $1 == compose && $2 == run ]] || exit 0
shift 2; while [[ $1 == -* ]]; do shift; done; [[ $1 == sync ]] || exit 1; shift
${IN_CONTAINER}`;
const KUBECTL = `${NOTED}[[ "$1 $2 $3" == "-n arus exec" ]] || exit 0
while [[ $1 != -- ]]; do shift; done; shift
${IN_CONTAINER}`;

/** Runs the commands of the runbook for one kind of deployment. */
class Deployment {
  private readonly folder = temporaryFolder();
  private readonly calls = join(this.folder, 'calls');

  private constructor(
    private readonly kind: string,
    readonly queue: string,
  ) {}

  static async of(kind: string): Promise<Deployment> {
    const queue = join(temporaryFolder(), 'lib/arus-mqtt-sync');
    mkdirSync(join(queue, '../../backups'), { recursive: true });
    cpSync(await stoppedFolder(), queue, { recursive: true });
    return new Deployment(kind, queue);
  }

  run(name: string, append = ''): string {
    const commands = runbookCommands(`${name} ${this.kind}`)
      .trim()
      .replaceAll('/var/', `${join(this.queue, '../..')}/`)
      .replaceAll('queue.tar', join(this.folder, 'queue.tar'))
      // There is no such user here.
      .replaceAll(/^chown .*$/gm, '');
    const variables = { CALLS: this.calls, QUEUE: this.queue, PROJECT };
    return runDocumented(commands + append, variables, { systemctl: NOTED, docker: DOCKER, kubectl: KUBECTL });
  }

  /** As after a copy that was broken off. */
  cutBackup(): void {
    truncateSync(join(this.folder, 'queue.tar'), 100_000);
  }

  /** What was called, the commands inside a container left out. */
  get called(): string[] {
    const lines = readFileSync(this.calls, 'utf8').trim().split('\n');
    return lines.filter((line) => !/ run | exec /.test(line));
  }
}

/** Something comes in that is not in the backup. */
async function acceptOneMore(dir: string): Promise<void> {
  const { queue } = await openOnDisk(dir);
  await queue.accept([draft('crew', { messageId: 'later' })]);
  await queue.close();
}

describe.each(['systemd', 'compose', 'kubernetes'])('the commands of the runbook for %s', (kind) => {
  it('make a backup, restore it, and give it a new epoch', async () => {
    const deployment = await Deployment.of(kind);
    const { queue } = deployment;
    const before = await contentOf(queue);
    deployment.run('backup');
    await acceptOneMore(queue);
    expect((await contentOf(queue)).messages).toBe(before.messages + 1);
    deployment.run('restore');
    expect(await contentOf(queue)).toEqual(before);
    // It asks, and there is nobody to answer.
    expect(() => deployment.run('new epoch')).toThrow(/--yes/);
    deployment.run('new epoch', ' --yes');
    const after = await contentOf(queue);
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(after.messages).toBe(before.messages);
    expect(existsSync(join(queue, 'queue.mdb'))).toBe(true);
  });
});

describe.each(['compose', 'kubernetes'])('the restore of the runbook for %s', (kind) => {
  it('touches nothing when the backup is broken', async () => {
    const deployment = await Deployment.of(kind);
    const before = await contentOf(deployment.queue);
    deployment.run('backup');
    deployment.cutBackup();
    expect(() => deployment.run('restore')).toThrow();
    expect(await contentOf(deployment.queue)).toEqual(before);
  });
});

describe('the commands of the runbook around a backup', () => {
  it('stop the service first, and start it again', async () => {
    const systemd = await Deployment.of('systemd');
    systemd.run('backup');
    expect(systemd.called).toEqual(['systemctl stop arus-mqtt-sync', 'systemctl start arus-mqtt-sync']);
    const compose = await Deployment.of('compose');
    compose.run('backup');
    expect(compose.called).toEqual(['docker compose stop sync', 'docker compose start sync']);
    const kubernetes = await Deployment.of('kubernetes');
    kubernetes.run('stop');
    kubernetes.run('start');
    expect(kubernetes.called.map((line) => line.replace('kubectl -n arus ', ''))).toEqual([
      'scale statefulset/mqtt-sync --replicas=0',
      'wait --for=delete pod/mqtt-sync-0 --timeout=60s',
      'apply -f deploy/kubernetes/queue-pod.yaml',
      'wait --for=condition=Ready pod/mqtt-sync-queue --timeout=60s',
      'delete pod/mqtt-sync-queue',
      'scale statefulset/mqtt-sync --replicas=1',
    ]);
  });
});
