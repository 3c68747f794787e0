import { expect, it } from 'vitest';
import { CachedLookups } from './cached-lookups.js';
import { type LastHandled } from './inbox-store.js';

const last = (sequence: number): LastHandled => ({ epoch: 1, sequence, order: sequence });

function setScene() {
  const ids = new Set<string>();
  const lasts = new Map<string, LastHandled>();
  const scene = { asked: 0 };
  const lookups = new CachedLookups({
    hasId: (name) => (scene.asked++, ids.has(name)),
    lastHandled: (name) => (scene.asked++, lasts.get(name)),
  });
  return { ids, lasts, scene, lookups };
}

it('asks the store once for an id that it does not have, and again when that was entered', () => {
  const { ids, scene, lookups } = setScene();
  expect([lookups.hasId('a'), lookups.hasId('a'), scene.asked]).toEqual([false, false, 1]);
  lookups.idEntered('a');
  ids.add('a');
  expect(lookups.hasId('a')).toBe(true);
});

it('knows the newest of a key from the commit, and nothing of one that was forgotten', () => {
  const { lasts, scene, lookups } = setScene();
  expect([lookups.lastHandled('crew'), lookups.lastHandled('crew'), scene.asked]).toEqual([undefined, undefined, 1]);
  lookups.committed(new Map([['crew', last(1)]]), []);
  expect([lookups.lastHandled('crew'), scene.asked]).toEqual([last(1), 1]);
  lookups.committed(new Map(), [{ order: 1, atMs: 0, idName: undefined, keyName: 'crew' }]);
  expect([lookups.lastHandled('crew'), scene.asked]).toEqual([undefined, 2]);
  // Forgotten and handled again in one commit.
  lasts.set('crew', last(2));
  lookups.committed(new Map([['crew', last(2)]]), [{ order: 1, atMs: 0, idName: undefined, keyName: 'crew' }]);
  expect(lookups.lastHandled('crew')).toEqual(last(2));
});

it('keeps a bounded number of names', () => {
  const { scene, lookups } = setScene();
  for (let count = 0; count < 5000; count++) lookups.hasId(`${count}`);
  const { asked } = scene;
  lookups.hasId('0');
  expect(scene.asked).toBe(asked + 1);
});
