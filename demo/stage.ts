import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerProcess } from './broker-process.js';
import { Ledger } from './ledger.js';
import { Link, type LinkQuality } from './link.js';
import type { DemoOptions } from './options.js';
import { ServiceProcess } from './service-process.js';
import { Ship } from './ship.js';
import { Shore } from './shore.js';

/** A modest satellite link: 2 Mbit/s and 300 ms there and back. */
const SATELLITE: LinkQuality = { latencyMs: 150, bytesPerSecond: 256 * 1024 };

type Cleanup = () => unknown;

/** Everybody who plays a part, set up together and taken down together. */
export class Stage {
  private constructor(
    readonly ledger: Ledger,
    readonly broker: BrokerProcess,
    readonly link: Link,
    readonly shore: Shore,
    readonly service: ServiceProcess,
    readonly ship: Ship,
    private readonly cleanups: readonly Cleanup[],
  ) {}

  /** Sets everything up but the service, which the story starts. Leaves nothing behind if that fails. */
  static async build(options: DemoOptions, abandon: AbortSignal): Promise<Stage> {
    const cleanups: Cleanup[] = [];
    try {
      return await Stage.assemble(options, abandon, cleanups);
    } catch (error) {
      await cleanUp(cleanups);
      throw error;
    }
  }

  private static async assemble(options: DemoOptions, abandon: AbortSignal, cleanups: Cleanup[]): Promise<Stage> {
    const httpPort = options.port || (await freePort());
    const folder = await mkdtemp(join(tmpdir(), 'arus-sync-demo-'));
    cleanups.push(() => rm(folder, { recursive: true, force: true }));
    const broker = await BrokerProcess.start();
    cleanups.push(() => broker.stop());
    const link = await Link.open(broker.port, SATELLITE);
    cleanups.push(() => link.close());
    const ledger = new Ledger();
    const shore = await Shore.listen(broker.port, ledger);
    cleanups.push(() => shore.close());
    const service = new ServiceProcess({
      httpPort,
      brokerPort: link.port,
      queueDir: join(folder, 'queue'),
      logFile: join(folder, 'service.log'),
    });
    cleanups.push(() => service.stop());
    const ship = new Ship(service.changesUrl, ledger, options.seed, abandon);
    return new Stage(ledger, broker, link, shore, service, ship, cleanups);
  }

  /** Stops everybody and removes what is on disk. */
  async clear(): Promise<void> {
    await cleanUp(this.cleanups);
  }
}

async function cleanUp(cleanups: readonly Cleanup[]): Promise<void> {
  for (const cleanup of cleanups.toReversed()) await cleanup();
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
