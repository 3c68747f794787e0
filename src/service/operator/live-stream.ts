import { Logger, type MessageEvent } from '@nestjs/common';
import { Observable, type Subscriber } from 'rxjs';
import { StoppingError } from '../../mqtt-sync/errors.js';
import type { CancelTimer, Clock } from '../../mqtt-sync/time/clock.js';
import { ProblemException } from '../http/problem.js';
import type { FlowColumns } from './flow-series.js';
import type { OperatorView } from './operator-view.js';

/** Whatever the traffic, a client hears of it once in this time. */
const CHANGE_INTERVAL_MS = 1000;
/** A client that has heard nothing for twice as long has lost the stream. */
const HEARTBEAT_INTERVAL_MS = 15_000;
/** How long a browser waits before it connects again. */
const RETRY_MS = 3000;
/** Each costs a socket and, once a second, a few hundred bytes. */
const MOST_CLIENTS = 20;

/** Where the stream reads from. */
export interface LiveSource {
  view(): OperatorView;
  /** The flow history, which a client needs once. */
  columns(): readonly FlowColumns[];
}

type Section = keyof OperatorView;

/**
 * Tells clients of the view live: a `snapshot` first, then a `change` with the sections that changed, as a whole and at
 * most one a second, a `heartbeat` when there was nothing to tell, and `closing` before it ends.
 *
 * A client that comes back gets a snapshot again, so nothing is missed and `Last-Event-ID` does not matter.
 */
export class LiveStream {
  private readonly logger = new Logger('Operator');
  private readonly clients = new Set<Subscriber<MessageEvent>>();
  private told: Partial<Record<Section, string>> = {};
  private toldAtMs = 0;
  private lastId = 0;
  private isClosed = false;
  private isFailing = false;
  private cancel: CancelTimer | undefined;

  constructor(
    private readonly source: LiveSource,
    private readonly clock: Clock,
  ) {}

  /** How many clients listen. */
  get size(): number {
    return this.clients.size;
  }

  /**
   * The events of one more client.
   * @throws {StoppingError} the process is stopping.
   * @throws {ProblemException} 503 there are too many clients.
   */
  open(): Observable<MessageEvent> {
    if (this.isClosed) throw new StoppingError('The service is stopping.');
    if (this.clients.size >= MOST_CLIENTS) {
      throw new ProblemException(503, {
        code: 'TOO_MANY_LISTENERS',
        detail: `${MOST_CLIENTS} clients listen to the events already; close one, or try again later.`,
        headers: { 'Retry-After': '30' },
      });
    }
    return new Observable((client) => {
      // Also of one to whom not even the snapshot could be told.
      client.add(() => this.dismiss(client));
      this.admit(client);
    });
  }

  /** Ends every stream at once. */
  close(): void {
    this.isClosed = true;
    this.cancel?.();
    const event = this.event('closing', { reason: 'the service is stopping' });
    for (const client of [...this.clients]) {
      client.next(event);
      client.complete();
    }
  }

  private admit(client: Subscriber<MessageEvent>): void {
    if (this.isClosed) {
      client.complete();
      return;
    }
    this.clients.add(client);
    // Before the snapshot is read, so that whoever listens already is told of what is in it.
    if (this.clients.size === 1) this.told = this.sections();
    client.next({
      ...this.event('snapshot', { view: this.source.view(), flow: this.source.columns() }),
      retry: RETRY_MS,
    });
    if (this.clients.size === 1) this.schedule();
  }

  private dismiss(client: Subscriber<MessageEvent>): void {
    this.clients.delete(client);
    if (this.clients.size === 0) this.cancel?.();
  }

  private schedule(): void {
    this.cancel?.();
    this.cancel = this.clock.after(CHANGE_INTERVAL_MS, () => {
      this.tryToTell();
      this.schedule();
    });
  }

  /** Nobody else catches what a timer throws, and an open page must not end the process. */
  private tryToTell(): void {
    try {
      this.tell();
      this.isFailing = false;
    } catch (error) {
      if (this.isFailing) return;
      this.isFailing = true;
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.logger.error(`The view cannot be told to those who listen; trying again every second: ${what}`);
    }
  }

  private tell(): void {
    const now = this.sections();
    const changed = (Object.keys(now) as Section[]).filter((section) => now[section] !== this.told[section]);
    this.told = now;
    if (changed.length > 0) {
      const view = Object.fromEntries(changed.map((section) => [section, JSON.parse(now[section]!) as unknown]));
      this.send('change', { view });
    } else if (this.clock.monotonicMs() - this.toldAtMs >= HEARTBEAT_INTERVAL_MS) this.send('heartbeat', {});
  }

  private sections(): Partial<Record<Section, string>> {
    const sections = Object.entries(this.source.view()).map(([name, section]) => [name, JSON.stringify(section)]);
    return Object.fromEntries(sections) as Partial<Record<Section, string>>;
  }

  private send(type: string, data: object): void {
    const event = this.event(type, data);
    this.toldAtMs = this.clock.monotonicMs();
    for (const client of this.clients) client.next(event);
  }

  /** Serialised once, however many listen. */
  private event(type: string, data: object): MessageEvent {
    const timestamp = new Date(this.clock.wallMs()).toISOString();
    return { type, id: String(++this.lastId), data: JSON.stringify({ timestamp, ...data }) };
  }
}
