import { Logger } from '@nestjs/common';
import { ClientProxy, type ReadPacket } from '@nestjs/microservices';
import { defer, type Observable, throwError } from 'rxjs';
import { OptionsError, RequestNotSupportedError } from '../errors.js';
import type { Receipt } from '../publisher/receipt.js';
import type { SyncPublisher } from '../publisher/sync-publisher.service.js';
import type { SyncEvents } from '../sync-events.js';
import { changeOf } from './emitted-change.js';

/** What the client works with; both can be injected. */
export interface MqttSyncClientOptions {
  readonly publisher: Pick<SyncPublisher, 'publishMany'>;
  /** Without it `status` tells nothing. */
  readonly events?: Pick<SyncEvents, 'on'>;
}

/** Whether the publisher has a connection just now; changes are accepted either way. */
export type MqttSyncClientStatus = 'connected' | 'disconnected';

/**
 * Nest's client interface over `SyncPublisher`: code that calls `client.emit('work_orders', order)` becomes durable when
 * this client is registered instead of the MQTT one. The pattern is the entity type; what the payload may be says
 * `changeOf()`.
 *
 * @example
 * ClientsModule.registerAsync([{
 *   name: 'SHORE',
 *   inject: [SyncPublisher, SyncEvents],
 *   useFactory: (publisher: SyncPublisher, events: SyncEvents) => ({
 *     customClass: MqttSyncClient,
 *     options: { publisher, events },
 *   }),
 * }])
 */
export class MqttSyncClient extends ClientProxy<Record<never, () => void>, MqttSyncClientStatus> {
  private readonly publisher: MqttSyncClientOptions['publisher'];
  private readonly logger = new Logger('MqttSync');

  /** @throws {OptionsError} there is no publisher. */
  constructor(options: MqttSyncClientOptions) {
    super();
    // Nest calls it with whatever the registration says.
    if (typeof (options as Partial<MqttSyncClientOptions> | undefined)?.publisher?.publishMany !== 'function') {
      throw new OptionsError([
        { path: 'publisher', message: 'expected a SyncPublisher: inject one into the registration' },
      ]);
    }
    this.publisher = options.publisher;
    options.events?.on('connected', () => this._status$.next('connected'));
    options.events?.on('disconnected', () => this._status$.next('disconnected'));
  }

  /** Nothing to wait for: the module has the connection, and changes are accepted without one. */
  connect(): Promise<void> {
    return Promise.resolve();
  }

  /** Does nothing: the publisher belongs to the module, which stops it in its turn. */
  close(): void {}

  /**
   * Publishes a change at once, subscribed or not, as `SyncPublisher.publish()` does: the data is serialised before the
   * call returns, and calls keep their order.
   * @returns the receipt, and completes, when the change is accepted; errors with what `publish()` rejects with. Where
   * nobody subscribes, the error is logged.
   */
  override emit<TResult = Receipt, TInput = unknown>(pattern: unknown, data: TInput): Observable<TResult> {
    const accepted = this.dispatchEvent<TResult>({ pattern, data });
    let isObserved = false;
    accepted.catch((error: Error) => {
      if (!isObserved) this.logger.error(`A change was emitted, not accepted, and nobody listens: ${error.message}`);
    });
    return defer(() => {
      isObserved = true;
      return accepted;
    });
  }

  /**
   * Errors at once: nobody answers over a link that stores and forwards.
   * @returns an observable that errors with `RequestNotSupportedError`.
   */
  override send<TResult = never>(pattern: unknown): Observable<TResult> {
    return throwError(() => new RequestNotSupportedError(pattern));
  }

  /** The publisher behind it. */
  unwrap<T = SyncPublisher>(): T {
    return this.publisher as T;
  }

  protected override async dispatchEvent<T>({ pattern, data }: ReadPacket): Promise<T> {
    const packet = this.createPacket(pattern, data);
    const [receipt] = await this.publisher.publishMany([changeOf(packet.pattern as string, packet.data)]);
    return receipt as T;
  }

  protected override publish(packet: ReadPacket): never {
    throw new RequestNotSupportedError(packet.pattern);
  }
}
