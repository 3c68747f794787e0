import { Readable } from 'node:stream';
import type { IStore } from 'mqtt';

/**
 * A store that keeps nothing, so that MQTT.js never sends anything again by itself and reports a connection as soon as
 * the broker accepts it.
 */
export function createNullStore(): IStore {
  const store: IStore = {
    put(_packet, callback) {
      callback();
      return store;
    },
    del(_packet, callback) {
      callback();
      return store;
    },
    get(_packet, callback) {
      callback(new Error('missing packet'));
      return store;
    },
    createStream: () => new Readable({ objectMode: true, read: endAtOnce }) as ReturnType<IStore['createStream']>,
    close: (callback) => callback(),
  };
  return store;
}

function endAtOnce(this: Readable): void {
  this.push(null);
}
