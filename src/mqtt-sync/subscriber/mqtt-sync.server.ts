import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { HandlerInvalidError } from '../errors.js';
import type { SyncEventMap, SyncEvents } from '../sync-events.js';
import type { IncomingChange } from '../wire/incoming-change.js';
import { isEntityPattern } from '../wire/inbound-topics.js';
import { finished } from './attempt.js';
import type { Circumstances } from './circumstances.js';
import { handlerError } from './handler-error.js';
import { MqttSyncContext } from './mqtt-sync-context.js';
import type { Receiver } from './receiver.js';

/** Names this transport in `@EventPattern<string>('work_orders', MQTT_SYNC)`. */
export const MQTT_SYNC = Symbol('MQTT_SYNC');

/** What `MqttSyncServer.status` tells. */
export type MqttSyncServerStatus = 'connected' | 'disconnected';

type EventCallbacks = { [Name in keyof SyncEventMap]: (event: SyncEventMap[Name]) => void };

/**
 * Makes ordinary Nest controllers the handlers of incoming changes, with pipes, guards, interceptors and filters. A change is
 * acknowledged when every matching handler has succeeded; what any of them throws, or a filter passes on, makes it be
 * tried again.
 *
 * @example
 * app.connectMicroservice({ strategy: app.get(MqttSyncServer) });
 * await app.startAllMicroservices();
 */
export class MqttSyncServer extends Server<EventCallbacks, MqttSyncServerStatus> implements CustomTransportStrategy {
  override readonly transportId = MQTT_SYNC;
  /** Failures reach the receiver, which logs them. */
  override readonly propagatesEventHandlerErrors = true;

  constructor(
    private readonly receiver: Receiver,
    private readonly events: SyncEvents,
    private readonly shutdownDeadlineMs: number,
  ) {
    super();
    events.on('receiver_connected', () => this._status$.next('connected'));
    events.on('receiver_disconnected', () => this._status$.next('disconnected'));
  }

  /**
   * Called by Nest for every handler that names this transport, or none.
   * @throws {HandlerInvalidError} a `@MessagePattern`, or a pattern that is no entity type.
   */
  override addHandler(pattern: unknown, callback: MessageHandler, isEventHandler = false): void {
    const shown = JSON.stringify(pattern);
    if (!isEventHandler) {
      throw new HandlerInvalidError(
        `@MessagePattern(${shown}): changes are not answered. Use @EventPattern, or name the transport the handler is for, ` +
          `e.g. @MessagePattern(${shown}, Transport.TCP).`,
      );
    }
    if (typeof pattern !== 'string' || !isEntityPattern(pattern)) {
      throw new HandlerInvalidError(
        `@EventPattern(${shown}): give an entity type ([a-z][a-z0-9_]{0,63}), or + for all of them, or name the transport ` +
          `that the handler is for.`,
      );
    }
    this.receiver.subscribe(pattern, (change, circumstances) => this.handle(callback, change, circumstances));
  }

  /** Calls back at once: a broker that is down keeps nothing from starting. Changes come once the application has started. */
  listen(callback: () => void): void {
    callback();
  }

  /** Takes no more changes, and waits for running handlers, within the shutdown deadline. Subscriptions stay. */
  close(): Promise<void> {
    return this.receiver.stop(this.shutdownDeadlineMs);
  }

  on<Name extends keyof EventCallbacks, Callback extends EventCallbacks[Name]>(event: Name, callback: Callback): void {
    this.events.on(event, callback);
  }

  /** The receiver behind it. */
  unwrap<T>(): T {
    return this.receiver as T;
  }

  /** Settles as the handler does; Nest's filters turn what it throws into an observable that fails. */
  private handle(callback: MessageHandler, change: IncomingChange, circumstances: Circumstances): Promise<void> {
    const context = new MqttSyncContext([change, circumstances]);
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => {
        try {
          await finished(callback(change.data, context), circumstances);
          resolve();
        } catch (error) {
          reject(handlerError(error));
        } finally {
          this.onProcessingEndHook?.(this.transportId, context);
        }
      };
      this.onProcessingStartHook(this.transportId, context, run);
    });
  }
}
