import { MqttSyncContext } from './mqtt-sync-context.js';
import type { Receiver, Unsubscribe } from './receiver.js';

/** Handles the data of a change; what it returns is awaited, promises and observables. */
export type SyncHandler<Data = unknown> = (data: Data, context: MqttSyncContext) => unknown;

/**
 * Subscribes to incoming changes from code that is no controller.
 *
 * @example
 * onModuleInit() {
 *   this.subscriber.subscribe<WorkOrder>('work_orders', (order, { key, operation }) => this.store(key, operation, order));
 * }
 */
export class SyncSubscriber {
  constructor(private readonly receiver: Pick<Receiver, 'subscribe'>) {}

  /**
   * Hands the changes of an entity type to a handler; `+` or `#` means those of every type. A change is acknowledged when
   * every handler of it has succeeded. Works before the application has started, which is the time to do it: what has come
   * for a type while the process was away, and finds no handler, is acknowledged without one.
   *
   * @returns ends the subscription; calling it again does nothing. Not needed when the process stops: the broker keeps
   *   what comes meanwhile.
   * @throws {EntityTypeInvalidError} it is neither an entity type nor `+` or `#`.
   */
  subscribe<Data = unknown>(entity: string, handler: SyncHandler<Data>): Unsubscribe {
    return this.receiver.subscribe(entity, (change, circumstances) =>
      handler(change.data as Data, new MqttSyncContext([change, circumstances])),
    );
  }
}
