import { expect, it } from 'vitest';
import { CachedLookups } from './cached-lookups.js';
import type { LastHandled } from './inbox-store.js';

const last = (sequence: number): LastHandled => ({ epoch: 1, sequence, order: sequence });

function setScene() {
  const ids = new Set<string>();
  const lasts = new Map<string, LastHandled>();
  const scene = { asked: 0 };
  const lookups = new CachedLookups({
    hasId: (name) => (scene.asked++, ids.has(name)),
    lastId: (beginning) =>
      [...ids]
        .filter((name) => name.startsWith(beginning))
        .sort()
        .at(-1),
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

it('knows that an id which rises with time is new when it comes after all of its vessel, without asking the store', () => {
  const { ids, scene, lookups } = setScene();
  const name = (time: string, vessel = 'mv-aurora') => `${vessel}\u007f${time}-0000-7000-8000-000000000000`;
  ids.add(name('00000005'));
  expect([lookups.hasId(name('00000006')), scene.asked]).toEqual([false, 0]);
  // Of another vessel, and one that is no UUIDv7: nothing is known of what it comes after.
  expect([lookups.hasId(name('00000001', 'mv-borealis')), scene.asked]).toEqual([false, 0]);
  expect([lookups.hasId(name('00000009').replace('-7000', '-4000')), scene.asked]).toEqual([false, 1]);
  // A repeat of what the store has, and of what was entered since and is committed by now.
  expect([lookups.hasId(name('00000005')), scene.asked]).toEqual([true, 2]);
  lookups.idEntered(name('00000008'));
  ids.add(name('00000008'));
  expect([lookups.hasId(name('00000008')), scene.asked]).toEqual([true, 3]);
  // One that was overtaken is asked for.
  expect([lookups.hasId(name('00000007')), scene.asked]).toEqual([false, 4]);
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
