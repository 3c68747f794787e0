import { Mosquitto } from '../../helpers/mosquitto.js';
import { freePort } from '../../helpers/ports.js';
import { queueFolder } from '../../helpers/sync-application.js';
import { TcpProxy } from '../../helpers/tcp-proxy.js';
import { FaultShore, PATIENT_BROKER } from '../oracle/fault-shore.js';
import { Oracle } from '../oracle/oracle.js';
import { Counter } from './counter.js';
import { type ServiceLaunch, ServiceShip } from './service-ship.js';

/** The stand-alone service with a counter for changes, a link that can be closed, and the shore behind it. */
export class ServiceScene {
  private constructor(
    readonly oracle: Oracle,
    readonly broker: Mosquitto,
    readonly shore: FaultShore,
    readonly link: TcpProxy,
    readonly counter: Counter,
    readonly dir: string,
    readonly port: number,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  static async set(
    dir = queueFolder(),
    env: Readonly<Record<string, string>> = {},
    config: string | ((folder: string) => string) = PATIENT_BROKER,
  ): Promise<ServiceScene> {
    const oracle = new Oracle();
    const broker = await Mosquitto.start({ config });
    const shore = await FaultShore.listen(broker.url, oracle);
    const link = await TcpProxy.start(broker.port);
    const port = await freePort();
    const counter = new Counter(`http://127.0.0.1:${port}`, oracle);
    return new ServiceScene(oracle, broker, shore, link, counter, dir, port, env);
  }

  /** The next life of the service; waits for nothing. */
  launch(launch: ServiceLaunch = {}, env: Readonly<Record<string, string>> = {}): ServiceShip {
    const own = {
      VESSEL_ID: 'mv-fault',
      MQTT_BROKER_URL: this.link.url,
      MQTT_QUEUE_DIR: this.dir,
      MQTT_MAX_QUEUE_SIZE: '1000000',
      MQTT_RECONNECT_MAX_S: '1',
      HEALTH_RATE_LIMIT: '1000000',
    };
    return ServiceShip.launch(this.port, { ...own, ...this.env, ...env }, launch);
  }

  /** The next life of the service, once it accepts changes. */
  async start(launch: ServiceLaunch = {}, env: Readonly<Record<string, string>> = {}): Promise<ServiceShip> {
    const service = this.launch(launch, env);
    await service.ready(`http://127.0.0.1:${this.port}`);
    return service;
  }

  /** The link opens: waits until all is on shore. */
  async deliver(): Promise<void> {
    await this.link.accept();
    await this.counter.drained();
    await this.shore.settled(this.oracle);
  }
}
