import type { HealthDocument } from '../../health/health-document.js';
import { Instance } from './instance.js';
import { newProbe, probeTopic } from './probe.js';
import type { SmokeOptions } from './smoke-options.js';
import type { SmokeCheck, SmokeResult } from './smoke-report.js';
import { BrokerWitness, MetricsWitness, type Witness } from './witness.js';

/** The nine that dashboards know. */
const METRICS = [
  'arus_mqtt_messages_published_total',
  'arus_mqtt_messages_queued_total',
  'arus_mqtt_messages_dropped_total',
  'arus_mqtt_publish_failures_total',
  'arus_mqtt_reconnection_attempts_total',
  'arus_mqtt_queue_flushes_total',
  'arus_mqtt_queue_depth',
  'arus_mqtt_queue_utilization_percent',
  'arus_mqtt_connection_status',
];

/** Looks at a deployed instance from outside, step by step. */
export class SmokeTest {
  private readonly checks: SmokeCheck[] = [];
  private readonly instance: Instance;
  private roundTripMs: number | undefined;

  constructor(
    private readonly options: SmokeOptions,
    private readonly report: (check: SmokeCheck) => void = () => {},
  ) {
    this.instance = new Instance(options.url, options.token, options.timeoutMs);
  }

  /** Never rejects: what goes wrong is a check that failed. */
  async run(): Promise<SmokeResult> {
    const isLive = await this.check('live', () => this.probe('/health/live', 'the process works'));
    const witness = isLive ? await this.lookAround() : undefined;
    return {
      url: this.options.url,
      witness,
      passed: this.checks.every(({ passed }) => passed),
      roundTripMs: this.roundTripMs,
      checks: this.checks,
    };
  }

  private async lookAround(): Promise<Witness['kind'] | undefined> {
    let health: HealthDocument | undefined;
    await this.check('ready', () => this.probe('/health/ready', 'changes can be accepted'));
    await this.check('health', async () => describe((health = await this.instance.health())));
    await this.check('metrics', () => this.findMetrics());
    const isConnected = await this.check('connected', () => connectionOf(health));
    if (!isConnected || !health) return undefined;
    return this.sendProbe(health);
  }

  private async sendProbe(health: HealthDocument): Promise<Witness['kind'] | undefined> {
    const { broker, timeoutMs } = this.options;
    const witness = broker ? new BrokerWitness(broker, timeoutMs) : new MetricsWitness(this.instance, timeoutMs);
    const probe = newProbe();
    try {
      if (!(await this.check('witness', () => witness.watch(probeTopic(health))))) return undefined;
      const since = performance.now();
      const isAccepted = await this.check('accepted', async () => {
        await this.instance.post(probe);
        return `probe ${probe.messageId} is on disk`;
      });
      if (!isAccepted) return undefined;
      await this.check('delivered', async () => {
        const seen = await witness.sees(probe);
        this.roundTripMs = Math.round(performance.now() - since);
        return `${seen}, ${this.roundTripMs} ms after it was posted`;
      });
      return witness.kind;
    } finally {
      await witness.close();
    }
  }

  private async probe(path: string, meaning: string): Promise<string> {
    const { status } = await this.instance.get(path);
    if (status !== 200) throw new Error(`${path} answered ${status}`);
    return meaning;
  }

  private async findMetrics(): Promise<string> {
    const text = await this.instance.metrics();
    const missing = METRICS.filter((name) => !new RegExp(`^${name}[ {]`, 'm').test(text));
    if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`);
    return `all ${METRICS.length} are there`;
  }

  private async check(name: string, look: () => string | Promise<string>): Promise<boolean> {
    const since = performance.now();
    const done = (passed: boolean, detail: string): boolean => {
      const check = { name, passed, detail, tookMs: performance.now() - since };
      this.checks.push(check);
      this.report(check);
      return passed;
    };
    try {
      return done(true, await look());
    } catch (error) {
      return done(false, (error as Error).message);
    }
  }
}

function describe({ status, reasons, mqtt }: HealthDocument): string {
  const state = status === 'healthy' ? status : `${status} (${reasons.join(', ')})`;
  return `${state}, ${mqtt.queuedMessages} of ${mqtt.maxQueueSize} in the queue`;
}

/** The probe is not posted without a connection: it would wait in the queue, and arrive long after the test. */
function connectionOf(health: HealthDocument | undefined): string {
  if (!health) throw new Error('not known, without a health document');
  const { status, broker, reconnectAttempts } = health.mqtt;
  if (status === 'connected') return `to ${broker}`;
  if (health.reasons.includes('local_mode_off')) throw new Error('sync is turned off (LOCAL_MODE=false)');
  throw new Error(`not connected to ${broker}, ${reconnectAttempts} attempts since; no probe was posted`);
}
