import { v7 as uuidv7 } from 'uuid';
import { CatchUpInvalidError, NotSubscribedError, StoppingError } from '../../errors.js';
import type { ChangeEvent, SyncEvents } from '../../sync-events.js';
import type { Clock } from '../../time/clock.js';
import type { IncomingMessage } from '../../wire/decode-change.js';
import { decodeGap } from '../../wire/decode-gap.js';
import type { InboundTopics } from '../../wire/inbound-topics.js';
import type { ServiceListener } from '../service-listeners.js';
import { type CatchUpQuery, checkQuery } from './catch-up-query.js';
import { type CatchUpResult, Exchange, MAX_RANGES_PER_REQUEST } from './exchange.js';
import { type ControlPort, RequestSender } from './request-sender.js';
import type { VesselPrefixes } from './vessel-prefixes.js';

/** How long to wait for an answer. */
export interface CatchUpCallOptions {
  /** Milliseconds without anything of an answer after which it is given up. @default 60000 */
  readonly timeoutMs?: number;
  /** Gives up. */
  readonly signal?: AbortSignal;
}

/** What asking for changes again takes. */
export interface CatchUpParts {
  readonly port: ControlPort;
  readonly prefixes: VesselPrefixes;
  readonly isSubscribed: (entity: string) => boolean;
  readonly events: Pick<SyncEvents, 'on'>;
  readonly clock: Clock;
  /** A larger gap message is not looked at. */
  readonly maxBytes: number;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Asks vessels for changes again. What they send goes through the inbox to the handlers, as any change does, so that
 * nothing is handled twice.
 *
 * @example
 * const { received, lost } = await this.catchUp.request({ vesselId: 'mv-aurora', entity: 'work_orders', sinceSequence: 0 });
 */
export class CatchUp implements ServiceListener {
  readonly opensConnection = false;
  private readonly sender: RequestSender;
  private readonly exchanges = new Set<Exchange>();
  /** Ends of the lines, by vessel and entity type: a new request would take the place of the one under way. */
  private readonly lines = new Map<string, Promise<void>>();
  private isStopped = false;

  constructor(private readonly parts: CatchUpParts) {
    this.sender = new RequestSender(parts.port, parts.prefixes, parts.clock);
    const alive = (event: ChangeEvent): void => this.alive(event);
    for (const name of ['change_handled', 'change_repeated', 'change_failed', 'change_parked'] as const)
      parts.events.on(name, alive);
  }

  filter({ prefix }: InboundTopics): string {
    return `${prefix}/system/gap/+`;
  }

  /**
   * Asks for changes, waits for the whole answer and says what became of it. Requests for one vessel and entity type wait
   * for each other.
   *
   * @throws {CatchUpInvalidError} the query is wrong.
   * @throws {NotSubscribedError} nothing here receives changes of the entity type.
   * @throws {CatchUpNotSentError} not connected, or the broker refuses the request.
   * @throws {CatchUpTimeoutError} no answer in time, or it came to a halt.
   * @throws {CatchUpAbortedError} by the signal. {@link StoppingError} the process is stopping.
   */
  async request(query: CatchUpQuery, options: CatchUpCallOptions = {}): Promise<CatchUpResult> {
    const checked = checkQuery(query);
    this.assertRunning();
    if (!this.parts.isSubscribed(checked.entity)) throw notSubscribed(checked.entity);
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
    const send = this.sender.send.bind(this.sender);
    const exchange = new Exchange(checked, { send, clock: this.parts.clock, timeoutMs, signal });
    this.exchanges.add(exchange);
    try {
      return await Promise.race([exchange.failure, this.inLine(exchange)]);
    } finally {
      this.exchanges.delete(exchange);
    }
  }

  /**
   * Sends one request and does not follow the answer: that comes to whoever listens at the broker, and the gap message
   * that ends it bears the id.
   *
   * @returns the id of the request, when the broker has it.
   * @throws {CatchUpInvalidError} the query is wrong.
   * @throws {CatchUpNotSentError} not connected, or the broker refuses the request.
   */
  async ask(query: CatchUpQuery): Promise<string> {
    const checked = checkQuery(query);
    if ((checked.ranges?.length ?? 0) > MAX_RANGES_PER_REQUEST)
      throw new CatchUpInvalidError(`Cannot ask for more than ${MAX_RANGES_PER_REQUEST} ranges in one request.`);
    this.assertRunning();
    const id = uuidv7();
    await this.sender.send(id, checked);
    return id;
  }

  /** Takes what vessels say of what is lost, and of the ends of their answers. */
  receive({ topic, payload }: IncomingMessage): Promise<void> {
    const told = decodeGap(payload, this.parts.maxBytes);
    const { vesselId, entity } = told?.stream ?? {};
    if (told && vesselId === topic.slice(topic.lastIndexOf('/') + 1))
      for (const exchange of this.of(vesselId, entity)) exchange.told(told);
    return Promise.resolve();
  }

  /** Gives up everything. */
  stop(): void {
    this.isStopped = true;
    for (const exchange of this.exchanges) exchange.fail(new StoppingError('The process is stopping.'));
  }

  private assertRunning(): void {
    if (this.isStopped) throw new StoppingError('The process is stopping.');
  }

  private async inLine(exchange: Exchange): Promise<CatchUpResult> {
    const name = `${exchange.query.vesselId} ${exchange.query.entity}`;
    const before = this.lines.get(name);
    let leave = (): void => {};
    const line = new Promise<void>((resolve) => (leave = resolve));
    this.lines.set(name, line);
    try {
      await before;
      return await exchange.run();
    } finally {
      if (this.lines.get(name) === line) this.lines.delete(name);
      leave();
    }
  }

  private alive({ topic, replayed, vesselId, entity }: ChangeEvent): void {
    const { port, prefixes } = this.parts;
    if (vesselId !== undefined && port.vesselId !== undefined) prefixes.heardOn(vesselId, topic, port.vesselId);
    if (!replayed || this.exchanges.size === 0) return;
    for (const exchange of this.of(vesselId, entity)) exchange.alive();
  }

  private of(vesselId: string | undefined, entity: string | undefined): Exchange[] {
    return [...this.exchanges].filter(({ query }) => query.vesselId === vesselId && query.entity === entity);
  }
}

function notSubscribed(entity: string): NotSubscribedError {
  return new NotSubscribedError(
    `Nothing here receives changes of ${entity}: subscribe to it before you ask for them again.`,
    { entity },
  );
}
