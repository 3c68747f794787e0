import type { SyncLogger } from '../logger.js';
import type { CancelTimer, Clock } from '../time/clock.js';
import { parseBrokerAddress, type BrokerAddress } from './broker-address.js';
import { BrokerConnection, type ConnectionEnd } from './broker-connection.js';
import { isUnsupportedVersion } from './connack.js';
import type {
  ConnectionControl,
  ConnectionIdentity,
  ConnectionObserver,
  ConnectionState,
  PublisherView,
} from './connection-control.js';
import type { ConnectionEvents, ConnectionOptions } from './connection-options.js';
import { failureText } from './failure-text.js';
import type { IncomingPublish } from './incoming-link.js';
import type { MqttLink } from './mqtt-link.js';
import { NameLookup } from './name-lookup.js';
import { ProtocolChoice } from './protocol-choice.js';
import { ReconnectLog } from './reconnect-log.js';
import { ReconnectPolicy, type LinkLife } from './reconnect-policy.js';
import { SessionChoice } from './session-choice.js';
import { logStart } from './start-log.js';
import { WillChoice } from './will-choice.js';

export {
  type ConnectionControl,
  type ConnectionIdentity,
  type ConnectionObserver,
  type ConnectionState,
  type PublisherView,
  type ConnectionView,
} from './connection-control.js';

const NO_PUBLISHER: PublisherView = { unacknowledged: () => 0, isProbing: () => false };

const NOBODY: ConnectionObserver = { linked() {}, lost() {} };

/**
 * Keeps one connection to the broker, for ever: dials, waits, dials again.
 *
 * - `idle`: before `start()`.
 * - `connecting`: an attempt is on its way, from reading the secrets to the CONNACK.
 * - `connected`: the broker accepted; there is a link.
 * - `waiting`: between two attempts.
 * - `stopped`: after `stop()`, for good.
 */
export class ConnectionManager implements ConnectionControl {
  private readonly address: BrokerAddress;
  private readonly protocols: ProtocolChoice;
  private readonly wills = new WillChoice();
  private readonly policy: ReconnectPolicy;
  private readonly log: ReconnectLog;
  private observer = NOBODY;
  private publisher = NO_PUBLISHER;
  private identity: ConnectionIdentity | undefined;
  private currentState: ConnectionState = 'idle';
  private connection: BrokerConnection | undefined;
  private cancelWait: CancelTimer = () => {};
  private linkedAtMs = 0;
  private hasTried = false;
  private sessions = new SessionChoice('process');
  private attempts = 0;
  private failure: string | undefined;
  private stopping: Promise<void> | undefined;

  constructor(
    private readonly options: ConnectionOptions,
    private readonly clock: Clock,
    private readonly events: ConnectionEvents,
    private readonly logger: SyncLogger,
    random: () => number = Math.random,
    /** Shared by all connections of a module. */
    private readonly names = new NameLookup(),
  ) {
    this.address = parseBrokerAddress(options.brokerUrl, options.tlsEnabled);
    this.protocols = new ProtocolChoice(options.protocol);
    this.policy = new ReconnectPolicy(options.reconnectMaxS * 1000, random);
    this.log = new ReconnectLog(logger, this.address.shown);
  }

  get state(): ConnectionState {
    return this.currentState;
  }

  get isConnected(): boolean {
    return this.currentState === 'connected';
  }

  get broker(): string {
    return this.address.shown;
  }

  get tlsEnabled(): boolean {
    return this.options.tlsEnabled;
  }

  get reconnectAttempts(): number {
    return this.attempts;
  }

  get lastFailure(): string | undefined {
    return this.failure;
  }

  observe(observer: ConnectionObserver, publisher = NO_PUBLISHER): void {
    this.observer = observer;
    this.publisher = publisher;
  }

  start(identity: ConnectionIdentity): void {
    if (this.currentState !== 'idle') return;
    this.identity = identity;
    this.sessions = new SessionChoice(identity.session ?? (this.options.resumeSession ? 'process' : 'connection'));
    logStart(this.logger, this.options, this.address, identity.clientId);
    this.attempt();
  }

  confirm(): void {
    this.policy.confirm();
  }

  stop(timeoutMs: number): Promise<void> {
    this.stopping ??= this.close(timeoutMs);
    return this.stopping;
  }

  private async close(timeoutMs: number): Promise<void> {
    this.cancelWait();
    const { connection } = this;
    this.currentState = 'stopped';
    await connection?.close(timeoutMs);
  }

  private attempt(): void {
    if (this.hasTried) {
      this.attempts++;
      this.log.attempt(this.attempts);
      this.events.emit('reconnecting', { attempt: this.attempts });
      // A listener may have stopped us.
      if (this.currentState === 'stopped') return;
    }
    this.hasTried = true;
    this.dial(this.identity!);
  }

  private dial(identity: ConnectionIdentity): void {
    this.currentState = 'connecting';
    const request = {
      address: this.address,
      options: this.options,
      identity,
      protocol: this.protocols.current,
      session: this.sessions.next(this.protocols.current),
      retainsWill: this.wills.isRetained,
    };
    const { observer } = this;
    this.connection = new BrokerConnection(request, this.names, this.clock, {
      linked: (link) => this.linked(link),
      acknowledged: (link, acknowledgement) => this.tell(() => observer.acknowledged?.(link, acknowledgement)),
      drained: (link) => this.tell(() => observer.drained?.(link)),
      ended: (end) => this.ended(end),
      ...(observer.received && {
        received: (link: MqttLink, publish: IncomingPublish) => this.tell(() => observer.received?.(link, publish)),
      }),
    });
    this.connection.open();
  }

  private linked(link: MqttLink): void {
    const { protocol, sessionPresent } = link;
    this.currentState = 'connected';
    this.linkedAtMs = this.clock.monotonicMs();
    this.sessions.linked(protocol);
    this.attempts = 0;
    this.failure = undefined;
    this.protocols.accepted();
    this.wills.accepted(link);
    this.log.connected(protocol, sessionPresent);
    this.events.emit('connected', { protocol, sessionPresent });
    this.tell(() => this.observer.linked(link));
  }

  private ended(end: ConnectionEnd): void {
    const link = this.connection?.link;
    this.connection = undefined;
    this.failure = end.reason;
    const life = link && this.lifeOf(link);
    if (link) {
      if (this.currentState === 'stopped') this.log.disconnected();
      else this.log.lost(end.reason, this.clock.monotonicMs() - this.linkedAtMs);
      if (this.currentState !== 'stopped') this.currentState = 'waiting';
      this.events.emit('disconnected', { reason: end.reason });
      const { reason, by, reasonCode } = end;
      this.tell(() => this.observer.lost(link, { reason, by, reasonCode }));
    }
    // Only now: the publisher has drawn its conclusions from the loss.
    if (this.currentState !== 'stopped') this.retry(end, life && { ...life, isProbing: this.publisher.isProbing() });
  }

  private retry(end: ConnectionEnd, life: LinkLife | undefined): void {
    if (end.session) {
      this.sessions.found(end.session);
      return this.dial(this.identity!);
    }
    if (!life && this.fallsBack(end)) {
      this.log.fellBack();
      return this.dial(this.identity!);
    }
    if (end.refusal && this.identity!.will && this.wills.refused(end.refusal.code)) {
      this.log.retainsNoWill();
      return this.dial(this.identity!);
    }
    if (!life) this.log.failed(end.reason);
    const { delayMs, suspicion } = this.policy.decide(end, life);
    if (suspicion) this.log.suspects(suspicion, this.identity!.clientId, delayMs);
    this.currentState = 'waiting';
    // An application that has nothing else to do would be over with the first outage.
    this.cancelWait = this.clock.after(delayMs, () => this.attempt(), true);
  }

  /** Whether another protocol version is to be tried at once. */
  private fallsBack({ refusal, withoutAWord }: ConnectionEnd): boolean {
    if (refusal && isUnsupportedVersion(refusal.code)) return this.protocols.unsupported();
    if (withoutAWord) this.protocols.closedWithoutAWord();
    else this.protocols.failed();
    return false;
  }

  private lifeOf({ protocol, isSubscribing }: MqttLink): Omit<LinkLife, 'isProbing'> {
    const livedMs = this.clock.monotonicMs() - this.linkedAtMs;
    // A broker of MQTT 3.1.1 may hang up where another one refuses a subscription.
    return { livedMs, protocol, unacknowledged: this.publisher.unacknowledged() + Number(isSubscribing) };
  }

  /** Whatever the observer does, the connection goes on. */
  private tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.logger.error(`The observer of the connection threw: ${failureText(error)}`);
    }
  }
}
