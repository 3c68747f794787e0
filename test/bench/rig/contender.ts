import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ContenderId, isBridge } from '../contenders.js';
import type { StationCalls } from '../stations/station.js';
import { BenchBroker } from './broker.js';
import { bridgeConfig } from './bridge-config.js';
import { Child } from './child.js';
import type { Resources } from './resources.js';
import { type Usage, usageOf } from './usage.js';

const STATION = 'stations/station-process.js';

/** How a contender is set up. */
export interface ContenderOptions {
  readonly contender: ContenderId;
  /** Port at which it finds the broker on shore. */
  readonly shorePort: number;
  /** A queue that is there already. @default a new folder */
  readonly dir?: string;
  readonly queueLimit?: number;
  /** The time to reconnect is not what is measured, and nobody should wait for it. @default true */
  readonly quickReconnect?: boolean;
  /** Options of Node for the contender's process. */
  readonly execArgv?: readonly string[];
}

/** A contender at work: a process of ours or of MQTT.js, or a Mosquitto with somebody who feeds it. */
export class Contender {
  private constructor(
    readonly station: Child<StationCalls>,
    private readonly bridge: BenchBroker | undefined,
  ) {}

  static async start(resources: Resources, options: ContenderOptions): Promise<Contender> {
    const { contender, shorePort, queueLimit, quickReconnect = true, execArgv = [] } = options;
    const bridge = isBridge(contender)
      ? resources.add(
          await BenchBroker.run((folder) => bridgeConfig(contender, shorePort, folder, quickReconnect)),
          (broker) => broker.dispose(),
        )
      : undefined;
    const station = resources.add(await Child.start<StationCalls>(STATION, [], execArgv), (child) =>
      // A profile is written when the process exits by itself.
      execArgv.length > 0 ? child.call('close').then(() => child.exit()) : child.end(),
    );
    await station.call('open', {
      // A bridge is fed by somebody who does it well.
      contender: bridge ? 'mqttjs' : contender,
      brokerUrl: `mqtt://127.0.0.1:${bridge ? bridge.port : shorePort}`,
      dir: options.dir ?? newFolder(resources),
      reconnectMaxS: quickReconnect ? 1 : 10,
      ...(queueLimit !== undefined && { queueLimit }),
    });
    if (bridge) await station.call('connected');
    return new Contender(station, bridge);
  }

  /** Accepts so many changes; a bridge has accepted what it has acknowledged to its feeder. */
  async publish(entity: string, first: number, count: number): Promise<void> {
    const before = (await this.station.call('usage')).delivered;
    await this.station.call('publish', { entity, first, count });
    if (this.bridge) await this.station.call('delivered', before + count);
  }

  /** Processor time so far: of the process that sends to the shore, and of one that only feeds it. */
  async cpuMs(): Promise<{ readonly sender: number; readonly feeder: number }> {
    const { cpuMs } = await this.station.call('usage');
    return this.bridge ? { sender: usageOf(this.bridge.pid!).cpuMs, feeder: cpuMs } : { sender: cpuMs, feeder: 0 };
  }

  /** Memory of the process that holds the backlog. */
  memory(): Usage {
    return usageOf(this.bridge?.pid ?? this.station.pid);
  }

  get isBridge(): boolean {
    return this.bridge !== undefined;
  }
}

/** A folder for a queue, removed in the end. */
export function newFolder(resources: Resources): string {
  return resources.add(mkdtempSync(join(tmpdir(), 'bench-queue-')), (folder) => {
    rmSync(folder, { recursive: true, force: true });
    return Promise.resolve();
  });
}

/** A copy of a queue, for a measurement that uses it up. */
export function copyOf(resources: Resources, folder: string): string {
  const copy = newFolder(resources);
  cpSync(folder, copy, { recursive: true });
  return copy;
}
