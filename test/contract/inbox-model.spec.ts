import { describe, expect, it } from 'vitest';
import type { ChangeIdentity, Inbox } from '../../src/mqtt-sync/subscriber/inbox/inbox.js';
import { FakeClock } from '../../src/mqtt-sync/time/fake-clock.js';
import type { StreamId } from '../../src/mqtt-sync/wire/incoming-change.js';
import type { Range } from '../../src/mqtt-sync/wire/sequence-ranges.js';
import { change, inboxOnDisk, lossOf, memoryInbox, openInbox } from './inbox-harness.js';
import { randomOf, temporaryFolder } from './queue-harness.js';

const STEPS = 400;
const ENTITIES = ['crew', 'alerts'];
const KEYS = ['a', 'b'];

/** One stream as it should be, number by number. */
class ModelStream {
  readonly handled = new Set<number>();
  readonly lost = new Set<number>();
  first: number | undefined;

  get highest(): number {
    return Math.max(0, ...this.handled, ...this.lost);
  }

  get missing(): number[] {
    if (this.first === undefined) return [];
    const numbers = Array.from({ length: Math.max(0, this.highest - this.first + 1) }, (_, at) => this.first! + at);
    return numbers.filter((number) => !this.handled.has(number) && !this.lost.has(number));
  }
}

/** An inbox that keeps everything, and looks through all of it for every answer. */
class Model {
  readonly streams = new Map<string, ModelStream>();
  private readonly newest = new Map<string, number>();

  stream({ entity }: Pick<StreamId, 'entity'>): ModelStream {
    const stream = this.streams.get(entity) ?? new ModelStream();
    this.streams.set(entity, stream);
    return stream;
  }

  handle({ entity, sequence, key, retained, replayed }: ChangeIdentity): void {
    const stream = this.stream({ entity });
    if (!retained && !replayed) stream.first ??= Math.max(sequence!, ...stream.handled);
    stream.handled.add(sequence!);
    stream.lost.delete(sequence!);
    this.newest.set(`${entity} ${key}`, Math.max(sequence!, this.newest.get(`${entity} ${key}`) ?? 0));
  }

  isStale({ entity, sequence, key }: ChangeIdentity): boolean {
    return sequence! < (this.newest.get(`${entity} ${key}`) ?? 0);
  }

  lose(entity: string, { from, to }: Range): number {
    const stream = this.stream({ entity });
    let count = 0;
    for (let number = from; number <= to; number++) {
      if (stream.handled.has(number) || stream.lost.has(number)) continue;
      stream.lost.add(number);
      count++;
    }
    return count;
  }
}

function numbersOf(ranges: readonly Range[] | undefined): number[] {
  return (ranges ?? []).flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
}

const ascending = (a: number, b: number) => a - b;

describe.each([
  { name: 'MemoryInbox', survives: false },
  { name: 'LmdbInbox', survives: true },
])('$name, driven at random', ({ survives }) => {
  it.each([1, 2, 3])('agrees with a model (seed %i)', async (seed) => {
    const random = randomOf(seed);
    const folder = survives ? temporaryFolder() : '';
    const open = async () => (await openInbox(survives ? inboxOnDisk(folder) : memoryInbox, {}, new FakeClock())).inbox;
    let inbox: Inbox = await open();
    const model = new Model();
    let waiting: Promise<unknown>[] = [];
    // Mostly forwards, as a stream comes, with leaps, and steps back into what was left open.
    let next = 1;
    const anySequence = () => (random(4) > 0 ? (next += 1 + (random(5) === 0 ? random(6) : 0)) : 1 + random(next));

    for (let step = 0; step < STEPS; step++) {
      const entity = ENTITIES[random(2)]!;
      const action = random(20);
      if (action < 14) {
        const how = random(8);
        const one = change(anySequence(), {
          ...{ entity, key: KEYS[random(2)], retained: how === 0, replayed: how === 1 },
          messageId: random(3) > 0 ? undefined : `m${step}`,
        });
        expect(inbox.isStale(one)).toBe(model.isStale(one));
        const isKnown = inbox.isKnown(one);
        expect(isKnown).toBe(model.stream(one).handled.has(one.sequence!));
        if (!isKnown) {
          waiting.push(inbox.recordHandled(one));
          model.handle(one);
        }
      } else if (action < 17) {
        const from = 1 + random(next + 5);
        const range = lossOf(from, from + random(6));
        const expected = model.lose(entity, range);
        waiting.push(
          inbox
            .recordLost({ vesselId: 'mv-aurora', epoch: 7, entity }, [range])
            .then((count) => expect(count).toBe(expected)),
        );
      } else if (action < 19) {
        await Promise.all(waiting);
        waiting = [];
      } else if (survives) {
        await inbox.close();
        await Promise.all(waiting);
        waiting = [];
        inbox = await open();
      }
      for (const type of ENTITIES) {
        const account = inbox.account({ vesselId: 'mv-aurora', epoch: 7, entity: type });
        const stream = model.stream({ entity: type });
        expect(numbersOf(account?.missing)).toEqual(stream.missing);
        expect(numbersOf(account?.lost)).toEqual([...stream.lost].sort(ascending));
        expect(account?.handled ?? 0).toBe(stream.handled.size);
        expect(account?.highest ?? 0).toBe(stream.highest);
      }
      const all = [...model.streams.values()];
      expect(inbox.stats()).toMatchObject({
        missing: all.reduce((sum, { missing }) => sum + missing.length, 0),
        lost: all.reduce((sum, { lost }) => sum + lost.size, 0),
      });
    }
    await Promise.all(waiting);
  });
});
