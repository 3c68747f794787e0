import { type BrokerAddress, parseBrokerAddress } from '../../../mqtt-sync/connection/broker-address.js';
import { hasTlsFiles, unusedTlsFiles } from '../../../mqtt-sync/connection/start-log.js';
import type { Secrets } from '../../../mqtt-sync/connection/secrets.js';
import type { ResolvedOptions } from '../../../mqtt-sync/resolve-options.js';
import { checkFiles } from './check-files.js';
import { checkLimits } from './check-limits.js';
import { checkDns, checkTcp } from './check-network.js';
import { checkPublish, checkRoundTrip, checkSubscribe } from './check-rights.js';
import { checkConnect, leave, type Session } from './check-session.js';
import { type CheckName, type CheckStep, carryOut, type Finding } from './check-step.js';
import { CheckTopics } from './check-topics.js';
import { checkTls } from './check-tls.js';

/** How to check. */
export interface CheckBrokerOptions {
  /** What the service would run with. */
  readonly options: ResolvedOptions;
  /** For each step, in milliseconds. @default 10000 */
  readonly timeoutMs?: number;
  /** What certificates are judged by. @default the clock */
  readonly now?: Date;
}

/**
 * Tries the broker as the service would use it, from the files to a message and back, and says step by step what is
 * wrong in words. Ends after the first step that failed. It leaves nothing at the broker: its own client id, no session,
 * and the status that is retained stays. What it sends: probes of the entity type `smoke_probe`, one of them retained for a
 * second, a gap without a range, and envelopes of the type `check`, which consumers ignore.
 *
 * @example for await (const { name, status, detail, advice } of checkBroker({ options })) console.log(name, status, detail);
 */
export async function* checkBroker(request: CheckBrokerOptions): AsyncGenerator<CheckStep, void, undefined> {
  const check = new BrokerCheck(request);
  try {
    for (const [name, look] of check.steps()) {
      const step = await carryOut(name, look);
      yield step;
      if (step.status === 'failed') return;
    }
  } finally {
    await check.close();
  }
}

type Look = () => Promise<Finding> | Finding;

/** What one step finds and a later one needs. */
class BrokerCheck {
  private readonly address: BrokerAddress;
  private readonly timeoutMs: number;
  private readonly topics: CheckTopics;
  private secrets: Secrets | undefined;
  private session: Session | undefined;

  constructor(private readonly request: CheckBrokerOptions) {
    const { options, timeoutMs = 10_000 } = request;
    this.address = parseBrokerAddress(options.brokerUrl, options.tlsEnabled);
    this.timeoutMs = timeoutMs;
    this.topics = new CheckTopics(options);
  }

  steps(): readonly (readonly [CheckName, Look])[] {
    const { address, timeoutMs, topics } = this;
    const { options } = this.request;
    return [
      ['files', () => this.readFiles()],
      ['dns', () => checkDns(address, timeoutMs)],
      ['tcp', () => checkTcp(address, timeoutMs)],
      ['tls', () => this.tls()],
      ['connect', () => this.connect()],
      ['limits', () => checkLimits(this.session!, options)],
      ['publish', () => checkPublish(this.session!, topics, timeoutMs)],
      ['subscribe', () => checkSubscribe(this.session!, topics, timeoutMs)],
      ['round_trip', () => checkRoundTrip(this.session!, topics, timeoutMs)],
    ];
  }

  async close(): Promise<void> {
    if (this.session) await leave(this.session.client);
  }

  private async readFiles(): Promise<Finding> {
    const { options, now = new Date() } = this.request;
    const { secrets, ...finding } = await checkFiles(options, this.address, now);
    this.secrets = secrets;
    return finding;
  }

  private tls(): Promise<Finding> | Finding {
    const { options, now = new Date() } = this.request;
    if (options.tlsEnabled) {
      const { rejectUnauthorized } = options.tls;
      return checkTls({
        address: this.address,
        secrets: this.secrets!,
        rejectUnauthorized,
        timeoutMs: this.timeoutMs,
        now,
      });
    }
    const { isLoopback, scheme } = this.address;
    const advice = [
      ...(hasTlsFiles(options) ? [unusedTlsFiles(scheme)] : []),
      ...(isLoopback ? [] : ['Everything goes in the clear, passwords too: use mqtts or wss in MQTT_BROKER_URL.']),
    ];
    return { detail: isLoopback ? 'off; the broker is on this machine' : 'off', advice };
  }

  private async connect(): Promise<Finding> {
    const { address, secrets, timeoutMs, topics } = this;
    const { options } = this.request;
    const { session, ...finding } = await checkConnect({ address, options, topics, secrets: secrets!, timeoutMs });
    this.session = session;
    return finding;
  }
}
