import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { SequenceRanges } from '../../wire/sequence-ranges.js';
import { Stream } from './stream.js';
import { Streams } from './streams.js';

const CREW = { vesselId: 'mv-aurora', epoch: 1, entity: 'crew' };

/** A stream in which every second number was handled, from 1 on, and some were lost. */
function holey(handled: number): Stream {
  const stream = Stream.begin(CREW, 0);
  for (let index = 0; index < handled; index++) stream.handle(2 * index + 1, 1);
  return stream;
}

describe('A stream with more ranges than it may keep', () => {
  it('only counts the oldest, and still knows the newest', () => {
    const stream = holey(10);
    expect(stream.exceeds(9)).toBe(true);
    stream.trim(4);
    expect(stream.exceeds(4)).toBe(false);
    // 1, 3, ... 11 are counted; the holes 2, 4, ... 12 are no longer missing.
    expect(stream.account()).toMatchObject({ handled: 10, highest: 19, untracked: 6 });
    expect(stream.account().missing).toEqual([14, 16, 18].map((number) => ({ from: number, to: number })));
    expect([stream.isHandled(11), stream.isHandled(13), stream.isHandled(14)]).toEqual([false, true, false]);
    expect(stream.missingCount).toBe(3);
  });

  it('takes nothing more of what it only counts', () => {
    const stream = holey(10);
    stream.trim(4);
    expect(stream.handle(4, 1)).toBeUndefined();
    expect(stream.lose([{ from: 2, to: 14, reason: 'dropped' }]).added).toEqual([
      { from: 14, to: 14, reason: 'dropped' },
    ]);
  });

  it('keeps the number of all that was lost', () => {
    const stream = holey(1);
    for (let from = 10; from <= 100; from += 10) stream.lose([{ from, to: from + 1, reason: 'dropped' }]);
    expect(stream.lostCount).toBe(20);
    stream.trim(3);
    expect(stream.account().lost.length).toBeLessThanOrEqual(3);
    expect(stream.lostCount).toBe(20);
  });

  it('keeps within bounds what is settled and what is lost, whichever has more ranges too many', () => {
    const stream = holey(10);
    for (let from = 30; from <= 44; from += 2) stream.lose([{ from, to: from, reason: 'dropped' }]);
    stream.trim(6);
    expect(stream.account()).toMatchObject({ highest: 44, handled: 10, lostCount: 8 });
    expect(stream.toRecord()).toMatchObject({ floor: 33, settled: expect.objectContaining({ length: 6 }) as unknown });
    stream.handle(51, 1);
    stream.handle(53, 1);
    stream.trim(7);
    expect(stream.toRecord()).toMatchObject({ floor: 35 });
    stream.trim(5);
    expect(stream.toRecord()).toMatchObject({ floor: 39, lost: [40, 42, 44].map((one) => ({ from: one, to: one })) });
  });

  it('leaves what is settled alone where only what is lost has too many', () => {
    const stream = Stream.begin(CREW, 0);
    stream.lose([
      ...[5, 6, 7].map((from) => ({ from, to: from, reason: from === 6 ? 'pruned' : 'dropped' }) as const),
      { from: 9, to: 9, reason: 'dropped' },
    ]);
    stream.handle(11, 1);
    stream.trim(3);
    expect(stream.toRecord()).toMatchObject({ floor: 5, settled: { length: 3 }, lost: { length: 3 } });
  });

  it('stays as it is while it has no range too many', () => {
    const stream = holey(10);
    stream.lose([{ from: 100, to: 100, reason: 'dropped' }]);
    const before = stream.toRecord();
    stream.trim(11);
    expect(stream.toRecord()).toEqual(before);
    const later = Stream.begin(CREW, 0);
    later.handle(5, 1);
    later.trim(1);
    expect(later.account().missing).toEqual([{ from: 1, to: 4 }]);
  });

  it('is trimmed in one go, however many they are', () => {
    const stream = holey(5000);
    const holes = vi.spyOn(SequenceRanges.prototype, 'holes');
    onTestFinished(() => holes.mockRestore());
    stream.trim(1000);
    expect(stream.exceeds(1000)).toBe(false);
    expect(holes.mock.calls.length).toBeLessThan(10);
  });

  it('is what it was, after a trim that is taken back, and when it is read again', () => {
    const stream = holey(10);
    const before = stream.toRecord();
    stream.trim(4);
    expect(new Stream(stream.toRecord()).account()).toEqual(stream.account());
    stream.restore(before);
    expect(stream.account()).toEqual(holey(10).account());
  });
});

describe('A retired stream', () => {
  it('takes everything up to its highest number for handled, and misses nothing', () => {
    const stream = holey(10);
    stream.retire();
    expect([stream.isRetired, stream.isHandled(4), stream.isHandled(19), stream.isHandled(20)]).toEqual([
      ...[true, true, true, false],
    ]);
    expect(stream.account()).toMatchObject({ missing: [], handled: 10, untracked: 9 });
    expect(stream.toRecord()).toMatchObject({ settled: [], lost: [], floor: 19 });
  });
});

describe('The streams of an inbox', () => {
  const limits = { groups: 2, fullEpochs: 2, epochs: 3 };
  const idOf = (entity: string, epoch: number) => ({ vesselId: 'mv-aurora', entity, epoch });
  const names = (streams: Iterable<Stream>) => [...streams].map(({ entity, epoch }) => `${entity} ${epoch}`);

  it('have old epochs to be retired, and then forgotten', () => {
    const streams = new Streams([], limits);
    for (const epoch of [1, 2, 3, 4]) streams.enliven(streams.begin(idOf('crew', epoch)));
    expect(names(streams.retirable(idOf('crew', 4)))).toEqual(['crew 1', 'crew 2']);
    streams.get(idOf('crew', 2))!.retire();
    expect(names(streams.retirable(idOf('crew', 4)))).toEqual(['crew 1']);
    expect(names(streams.excess(idOf('crew', 4)))).toEqual(['crew 1']);
  });

  it('evict the pair of vessel and entity type that is silent the longest', () => {
    const streams = new Streams([], limits);
    for (const entity of ['crew', 'alerts', 'equipment']) streams.begin(idOf(entity, 1));
    streams.touched(idOf('crew', 1));
    expect(names(streams.excess(idOf('equipment', 1)))).toEqual(['alerts 1']);
    for (const stream of streams.excess(idOf('equipment', 1))) streams.remove(stream);
    expect(names(streams)).toEqual(['equipment 1', 'crew 1']);
    expect(streams.excess(idOf('equipment', 1))).toEqual([]);
  });

  it('tell those with gaps without a look at the others', () => {
    const streams = new Streams(
      [...Array(100).keys()].map((index) => Stream.begin(idOf(`type_${index}`, 1), 0).toRecord()),
    );
    const holed = streams.get(idOf('type_7', 1))!;
    holed.handle(3, 1);
    streams.changed(holed);
    expect(names(streams.withGaps())).toEqual(['type_7 1']);
    const counted = vi.spyOn(Stream.prototype, 'missingCount', 'get');
    onTestFinished(() => counted.mockRestore());
    expect(names(streams.withGaps())).toEqual(['type_7 1']);
    expect(counted).toHaveBeenCalledTimes(1);
    streams.remove(holed);
    expect(names(streams.withGaps())).toEqual([]);
  });
});
