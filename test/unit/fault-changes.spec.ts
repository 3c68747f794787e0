import { describe, expect, it } from 'vitest';
import { changeOf } from '../faults/ship/changes.js';

describe('The changes of the fault suite', () => {
  // They once asked for QoS by the parity of the call, which was that of the key: no key ever mixed anything.
  it.each([24, 48])('mix QoS 1 and 2 within every fourth of %i keys, and leave the others to the default', (keys) => {
    const asked = new Map<number, Set<unknown>>();
    for (let call = 0; call < keys * 20; call++) {
      const keyNumber = call % keys;
      const qos = asked.get(keyNumber) ?? new Set();
      asked.set(keyNumber, qos.add(changeOf({ ship: 'a', call, keyNumber }).qos));
    }
    for (const [keyNumber, qos] of asked)
      expect(qos, `key ${keyNumber}`).toEqual(new Set(keyNumber % 4 === 0 ? [1, 2] : [undefined]));
  });
});
