import { expect } from 'vitest';
import { Mosquitto } from '../../helpers/mosquitto.js';
import { queueFolder } from '../../helpers/sync-application.js';
import { TcpProxy } from '../../helpers/tcp-proxy.js';
import { FaultReceiver, type ReceiverJudge } from '../ends/fault-receiver.js';
import { FaultShore, PATIENT_BROKER } from '../oracle/fault-shore.js';
import { type Conclusion, Oracle } from '../oracle/oracle.js';
import type { FaultReport } from '../oracle/report.js';
import { CALLS_PER_LIFE, type Launch, Ship } from './ship.js';

/** Room for every message, so that none is dropped. */
export const ROOM = { maxMessages: 2_000_000, maxBytes: 4e9 };

/** A ship that is killed again and again, on one queue folder, and the shore that waits for everything it promised. */
export class Scene {
  private lives = 0;

  private constructor(
    readonly oracle: Oracle,
    readonly broker: Mosquitto,
    readonly shore: FaultShore,
    /** Between ship and broker. */
    readonly link: TcpProxy,
    readonly dir: string,
    private readonly receiver: ReceiverJudge | undefined,
  ) {}

  /** @param withReceiver whether the product's own receiver is attached and judged, too */
  static async set({ withReceiver }: { readonly withReceiver: boolean }): Promise<Scene> {
    const oracle = new Oracle();
    const broker = await Mosquitto.start({ config: PATIENT_BROKER });
    const shore = await FaultShore.listen(broker.url, oracle);
    const receiver = withReceiver ? await FaultReceiver.attach(broker.url, oracle) : undefined;
    return new Scene(oracle, broker, shore, await TcpProxy.start(broker.port), queueFolder(), receiver);
  }

  /** The next life of the ship. */
  launch(launch: Partial<Launch> = {}): Ship {
    const options = {
      brokerUrl: this.link.url,
      vesselId: 'mv-fault',
      reconnectMaxS: 1,
      queue: { dir: this.dir, ...ROOM },
      entities: { engine_log: { lane: 'bulk' as const, retain: false } },
    };
    const firstCall = ++this.lives * CALLS_PER_LIFE;
    return Ship.launch({ options, firstCall, ...launch }, this.oracle);
  }

  /** A last life that only delivers; waits until all is on shore. */
  async deliver(): Promise<void> {
    await this.link.accept();
    const ship = this.launch({ messages: 0 });
    await ship.says('drained', 600_000);
    await this.shore.settled(this.oracle);
    expect(await ship.stop()).toBe(0);
  }

  /** Adds it all up, with what the receiver did. */
  async report(conclusion: Conclusion): Promise<FaultReport> {
    const report = this.oracle.report(conclusion);
    return this.receiver?.judge(report) ?? report;
  }
}
