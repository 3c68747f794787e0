import { beforeEach, describe, expect, it } from 'vitest';
import {
  ChangeInvalidError,
  EntityTypeLimitError,
  QueueFullError,
  QueueUnavailableError,
  StoppingError,
} from '../../src/mqtt-sync/errors.js';
import type { SyncQueue } from '../../src/mqtt-sync/queue/sync-queue.js';
import {
  anyType,
  draft,
  idsOf,
  inMemory,
  onDisk,
  take,
  takeAll,
  temporaryFolder,
  type TestQueue,
  VESSEL,
  watch,
} from './queue-harness.js';

const REFUSED = { reason: 'refused' as const, reasonCode: 0x87, attempts: 2 };

describe.each([
  { name: 'DiskQueue', make: () => onDisk(temporaryFolder()) },
  { name: 'MemoryQueue', make: () => inMemory },
])('$name keeps the contract of a SyncQueue', ({ make }) => {
  let test: TestQueue;
  let queue: SyncQueue;

  async function reopen(limits: Parameters<typeof watch>[1] = {}): Promise<void> {
    test = watch(make(), limits);
    queue = test.queue;
    await queue.open(VESSEL);
  }

  beforeEach(() => reopen());

  describe('before it is open', () => {
    it('has no identity, answers with empty numbers and refuses changes', async () => {
      const closed = watch(make()).queue;
      expect(closed.identity).toBeUndefined();
      expect(closed.stats()).toMatchObject({ messages: 0, available: false });
      expect(closed.take('normal', anyType)).toBeUndefined();
      await expect(closed.accept([draft('crew')])).rejects.toThrow(QueueUnavailableError);
      await closed.settled();
      await closed.close();
    });
  });

  describe('accepting', () => {
    it('begins sequences at 1 and raises them by one per entity type', async () => {
      const [a, b, c] = await queue.accept([draft('crew'), draft('alerts'), draft('crew')]);
      expect([a!.sequence, b!.sequence, c!.sequence]).toEqual([1, 1, 2]);
      expect(a!.position).toBeLessThan(b!.position);
    });

    it('seals the envelope with epoch and sequence', async () => {
      await queue.accept([draft('crew', { dataJson: '{"name":"Åse"}' })]);
      const envelope: unknown = JSON.parse(take(queue).payload.toString());
      expect(envelope).toMatchObject({ epoch: queue.identity!.epoch, sequence: 1, data: { name: 'Åse' } });
    });

    it('keeps the order of calls that were not awaited', async () => {
      const calls = Array.from({ length: 50 }, (_, i) => queue.accept([draft('crew', { messageId: `c${i}` })]));
      const accepted = (await Promise.all(calls)).flat();
      expect(accepted.map(({ sequence }) => sequence)).toEqual(accepted.map((_, i) => i + 1));
      expect(idsOf(takeAll(queue))).toEqual(accepted.map((_, i) => `c${i}`));
    });

    it('hands out every field of a message as it was given', async () => {
      const given = draft('alerts', { qos: 2, retain: false, lane: 'critical', key: undefined, acceptedAtMs: 77 });
      await queue.accept([given]);
      const { entity, operation, messageId, topic } = given;
      expect(take(queue, 'critical')).toMatchObject({
        ...{ entity, operation, messageId, topic, qos: 2, retain: false, key: undefined, acceptedAtMs: 77 },
        ...{ lane: 'critical', sequence: 1 },
      });
    });

    it('refuses a given id that was used for another entity type, in whatever call or commit', async () => {
      const given = (entity: string, messageId: string) => draft(entity, { messageId, idIsGiven: true });
      await queue.accept([given('crew', 'x')]);
      await expect(queue.accept([given('alerts', 'x')])).rejects.toThrow(ChangeInvalidError);
      const both = queue.accept([given('crew', 'x'), given('crew', 'y'), given('alerts', 'y')]);
      await expect(both).rejects.toThrow(ChangeInvalidError);
      await expect(both).rejects.toMatchObject({ index: 2 });
      const answers = await Promise.allSettled([queue.accept([given('crew', 'z')]), queue.accept([given('a', 'z')])]);
      expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
      expect(await queue.accept([given('crew', 'x')])).toMatchObject([{ sequence: 1, repeated: true }]);
      expect(queue.stats().messages).toBe(2);
    });

    it('accepts an empty batch', async () => {
      expect(await queue.accept([])).toEqual([]);
    });

    it('does not show a message before it is committed', async () => {
      const accepting = queue.accept([draft('crew')]);
      expect(queue.take('normal', anyType)).toBeUndefined();
      expect(queue.stats().messages).toBe(0);
      await accepting;
      expect(queue.stats().messages).toBe(1);
    });

    it('refuses an entity type too many, and leaves no hole in the sequence', async () => {
      for (let i = 0; i < 255; i++) await queue.accept([draft(`t${i}`)]);
      const both = queue.accept([draft('t0'), draft('last'), draft('one_too_many')]);
      await expect(both).rejects.toThrow(EntityTypeLimitError);
      await expect(both).rejects.toMatchObject({ index: 2 });
      const [known, last] = await queue.accept([draft('t0'), draft('last')]);
      expect([known!.sequence, last!.sequence]).toEqual([2, 1]);
    });
  });

  describe('given message ids', () => {
    const given = (messageId: string) => draft('crew', { messageId, idIsGiven: true });

    it('answers a repeat with what was accepted first, and stores nothing', async () => {
      const [first] = await queue.accept([given('x')]);
      const [again] = await queue.accept([given('x')]);
      expect(again).toEqual({ ...first, repeated: true });
      expect(queue.stats().messages).toBe(1);
    });

    it('recognises a repeat within one batch and within one commit', async () => {
      const [batch, single] = await Promise.all([queue.accept([given('x'), given('x')]), queue.accept([given('x')])]);
      expect([...batch, ...single].map(({ repeated, sequence }) => [repeated, sequence])).toEqual([
        [false, 1],
        [true, 1],
        [true, 1],
      ]);
    });

    it('recognises a repeat of a message that was delivered', async () => {
      await queue.accept([given('x')]);
      queue.remove([take(queue)]);
      const [again] = await queue.accept([given('x')]);
      expect(again!.repeated).toBe(true);
      expect(queue.fateOf(again!)).toBe('left');
    });

    it('takes ids that were not given for new', async () => {
      const [, second] = await queue.accept([draft('crew', { messageId: 'x' }), draft('crew', { messageId: 'x' })]);
      expect(second).toMatchObject({ repeated: false, sequence: 2 });
    });
  });

  describe('taking', () => {
    it('hands out the oldest message of the lane first, across entity types', async () => {
      await queue.accept(['a', 'b', 'a', 'c'].map((entity, i) => draft(entity, { messageId: `m${i}` })));
      await queue.accept([draft('d', { lane: 'bulk', messageId: 'bulk' })]);
      expect(idsOf(takeAll(queue))).toEqual(['m0', 'm1', 'm2', 'm3']);
      expect(idsOf(takeAll(queue, 'bulk'))).toEqual(['bulk']);
    });

    it('passes over entity types that are not admitted', async () => {
      await queue.accept([draft('a'), draft('b')]);
      expect(queue.take('normal', (entity) => entity !== 'a')?.entity).toBe('b');
    });

    it('hands out far more messages than it holds in memory, in order', async () => {
      await reopen({ maxMessages: 10_000, maxBytes: 1e9 });
      for (let i = 0; i < 9; i++) await queue.accept(Array.from({ length: 1000 }, () => draft('a')));
      expect(takeAll(queue).map(({ sequence }) => sequence)).toEqual(Array.from({ length: 9000 }, (_, i) => i + 1));
    });

    it('keeps order while messages are accepted and taken in turns', async () => {
      const sequences: number[] = [];
      for (let round = 0; round < 20; round++) {
        await queue.accept(Array.from({ length: 40 }, () => draft('a')));
        for (let i = 0; i < 20; i++) sequences.push(take(queue).sequence);
      }
      sequences.push(...takeAll(queue).map(({ sequence }) => sequence));
      expect(sequences).toEqual(Array.from({ length: 800 }, (_, i) => i + 1));
    });
  });

  describe('putting back', () => {
    it('hands out again in the old order, ahead of what was never taken', async () => {
      await queue.accept(Array.from({ length: 6 }, (_, i) => draft('a', { messageId: `m${i}` })));
      const taken = [take(queue), take(queue), take(queue)];
      queue.putBack([taken[2]!, taken[0]!]);
      expect(idsOf(takeAll(queue))).toEqual(['m0', 'm2', 'm3', 'm4', 'm5']);
    });

    it('keeps order across entity types', async () => {
      await queue.accept(['a', 'b', 'a'].map((entity, i) => draft(entity, { messageId: `m${i}` })));
      queue.putBack(takeAll(queue).reverse());
      expect(idsOf(takeAll(queue))).toEqual(['m0', 'm1', 'm2']);
    });

    it('ignores a message that is not in flight', async () => {
      await queue.accept([draft('a')]);
      const message = take(queue);
      queue.remove([message]);
      queue.putBack([message, message]);
      expect(queue.take('normal', anyType)).toBeUndefined();
    });
  });

  describe('untaking', () => {
    it('makes messages that were taken but not sent waiting again, at their old places', async () => {
      const accepted = await queue.accept(Array.from({ length: 5 }, () => draft('a')));
      const [first, second, third, fourth] = [take(queue), take(queue), take(queue), take(queue)];
      queue.putBack([first, third]);
      queue.untake([fourth, second]);
      expect(takeAll(queue).map(({ position }) => position)).toEqual(accepted.map(({ position }) => position));
    });

    it('lets them be dropped, where those that were sent cannot be', async () => {
      await reopen({ maxMessages: 3 });
      await queue.accept([draft('a'), draft('a'), draft('a')]);
      const [first, second, third] = [take(queue), take(queue), take(queue)];
      queue.putBack([first]);
      queue.untake([second, third]);
      await queue.accept([draft('a')]);
      expect(takeAll(queue).map(({ sequence }) => sequence)).toEqual([1, 3, 4]);
    });
  });

  it('tells how long each commit took, one for calls made together', async () => {
    const before = test.observer.commits;
    await Promise.all([queue.accept([draft('a')]), queue.accept([draft('b')])]);
    expect(test.observer.commits).toBe(before + 1);
  });

  describe('removing', () => {
    it('takes a delivered message out of the count, and tells so, at once', async () => {
      const [accepted] = await queue.accept([draft('a')]);
      queue.remove([take(queue)]);
      expect(queue.stats()).toMatchObject({ messages: 0, bytes: 0, oldestAcceptedAtMs: undefined });
      expect(test.observer.leftPositions).toEqual([accepted!.position]);
      expect(queue.fateOf(accepted!)).toBe('left');
      await queue.settled();
      expect(test.observer.leftPositions).toHaveLength(1);
      expect(queue.fateOf(accepted!)).toBe('left');
    });

    it('goes on counting sequences after the queue was empty', async () => {
      await queue.accept([draft('a')]);
      queue.remove([take(queue)]);
      await queue.settled();
      const [next] = await queue.accept([draft('a')]);
      expect(next!.sequence).toBe(2);
    });
  });

  describe('lanes', () => {
    it('keeps a type in its lane until it is empty', async () => {
      await queue.accept([draft('a', { lane: 'bulk' })]);
      await queue.accept([draft('a', { lane: 'critical' })]);
      expect(queue.stats().lanes).toMatchObject({ bulk: { messages: 2 }, critical: { messages: 0 } });
      const taken = takeAll(queue, 'bulk');
      expect(taken.map(({ lane }) => lane)).toEqual(['bulk', 'bulk']);
      await queue.accept([draft('a', { lane: 'critical' })]);
      expect(queue.stats().lanes.bulk.messages).toBe(3);
      queue.remove([...taken, ...takeAll(queue, 'bulk')]);
      await queue.accept([draft('a', { lane: 'critical' })]);
      expect(take(queue, 'critical').sequence).toBe(4);
    });

    it('keeps one lane for a type within one batch', async () => {
      await queue.accept([draft('a', { lane: 'bulk' }), draft('a', { lane: 'critical' })]);
      expect(takeAll(queue, 'bulk')).toHaveLength(2);
    });
  });

  describe('when full, by drop-oldest', () => {
    beforeEach(() => reopen({ maxMessages: 3 }));

    it('drops the oldest message whatever its lane, as a gap, and tells after the commit', async () => {
      const [alert] = await queue.accept([draft('alerts', { lane: 'critical', messageId: 'alert' })]);
      await queue.accept([draft('a'), draft('a')]);
      const accepting = queue.accept([draft('a')]);
      await accepting;
      expect(test.observer.droppedIds).toEqual(['alert']);
      expect(test.observer.dropReasons).toEqual(['queue_full']);
      expect(test.observer.leftPositions).toEqual([alert!.position]);
      expect(queue.fateOf(alert!)).toBe('dropped');
      expect(queue.gaps()).toEqual(new Map([['alerts', [{ from: 1, to: 1, reason: 'dropped' }]]]));
      expect(queue.stats()).toMatchObject({ messages: 3, untoldGaps: 1 });
    });

    it('never drops a message that was taken, even if it was put back', async () => {
      await queue.accept([draft('a', { messageId: 'flying' }), draft('a', { messageId: 'back' }), draft('a')]);
      take(queue);
      queue.putBack([take(queue)]);
      await queue.accept([draft('a')]);
      expect(test.observer.droppedIds).not.toContain('flying');
      expect(test.observer.droppedIds).not.toContain('back');
      await expect(queue.accept([draft('a'), draft('a')])).rejects.toThrow(QueueFullError);
      expect(queue.stats().messages).toBe(3);
    });

    it('rejects when everything is in flight, and leaves no hole in the sequence', async () => {
      await queue.accept([draft('a'), draft('a'), draft('a')]);
      const taken = takeAll(queue);
      await expect(queue.accept([draft('a')])).rejects.toThrow(QueueFullError);
      queue.remove(taken);
      const [next] = await queue.accept([draft('a')]);
      expect(next!.sequence).toBe(4);
      expect(queue.gaps().size).toBe(0);
    });

    it('rejects a batch larger than the queue, and drops nothing', async () => {
      await queue.accept([draft('a'), draft('a'), draft('a')]);
      await expect(queue.accept([draft('a'), draft('a'), draft('a'), draft('a')])).rejects.toThrow(QueueFullError);
      expect(queue.stats()).toMatchObject({ messages: 3, untoldGaps: 0 });
      expect(take(queue).sequence).toBe(1);
    });

    it('makes room for as many callers at once as there are', async () => {
      const accepted = await Promise.all(Array.from({ length: 20 }, () => queue.accept([draft('a')])));
      expect(accepted.flat().at(-1)!.sequence).toBe(20);
      expect(queue.gaps().get('a')).toEqual([{ from: 1, to: 17, reason: 'dropped' }]);
      expect(takeAll(queue).map(({ sequence }) => sequence)).toEqual([18, 19, 20]);
    });

    it('counts bytes of payloads too', async () => {
      await reopen({ maxBytes: 3000 });
      const large = () => draft('a', { dataJson: `"${'x'.repeat(1000)}"` });
      await queue.accept([large(), large()]);
      await queue.accept([large()]);
      expect(queue.stats().messages).toBe(2);
      expect(queue.stats().bytes).toBeLessThanOrEqual(3000);
      await expect(queue.accept([large(), large(), large()])).rejects.toThrow(QueueFullError);
      expect(queue.stats().messages).toBe(2);
    });
  });

  describe('when full, by drop-lowest-priority', () => {
    beforeEach(() => reopen({ maxMessages: 3, overflowPolicy: 'drop-lowest-priority' }));

    it('drops the oldest of the lowest lane', async () => {
      await queue.accept([draft('alerts', { lane: 'critical' }), draft('n', { messageId: 'n' })]);
      await queue.accept([draft('b', { lane: 'bulk', messageId: 'b' })]);
      await queue.accept([draft('n', { messageId: 'n2' })]);
      expect(test.observer.droppedIds).toEqual(['b']);
      await queue.accept([draft('alerts', { lane: 'critical' })]);
      expect(test.observer.droppedIds).toEqual(['b', 'n']);
    });

    it('never drops a message of a more urgent lane', async () => {
      await queue.accept([draft('alerts', { lane: 'critical' }), draft('alerts'), draft('alerts')]);
      await expect(queue.accept([draft('n')])).rejects.toThrow(QueueFullError);
      await expect(queue.accept([draft('alerts', { lane: 'bulk' })])).resolves.toHaveLength(1);
    });

    it('drops what comes in the same crowd before what is more urgent', async () => {
      await queue.accept([draft('n', { messageId: 'n' }), draft('n'), draft('n')]);
      await Promise.all([
        queue.accept([draft('alerts', { lane: 'critical' })]),
        queue.accept([draft('b', { lane: 'bulk', messageId: 'b' })]).catch(() => undefined),
        queue.accept([draft('n')]),
      ]);
      expect(queue.stats().lanes.critical.messages).toBe(1);
      expect(queue.stats().messages).toBe(3);
    });
  });

  describe('when full, by reject', () => {
    it('refuses the new message', async () => {
      await reopen({ maxMessages: 2, overflowPolicy: 'reject' });
      const answers = await Promise.allSettled([1, 2, 3].map(() => queue.accept([draft('a')])));
      expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
      expect(answers[2]).toMatchObject({ reason: expect.any(QueueFullError) as unknown });
      expect(test.observer.droppedIds).toEqual([]);
    });
  });

  describe('listing messages', () => {
    const listed = (selection?: Parameters<SyncQueue['messages']>[0]) => idsOf([...queue.messages(selection)]);

    beforeEach(async () => {
      await queue.accept([
        draft('crew', { messageId: 'm1' }),
        draft('alerts', { messageId: 'm2', lane: 'critical' }),
        draft('crew', { messageId: 'm3' }),
        draft('crew', { messageId: 'm4' }),
      ]);
    });

    it('shows what waits and what is in flight by position, across lanes, and not what has left', async () => {
      expect(listed()).toEqual(['m1', 'm2', 'm3', 'm4']);
      const [first] = takeAll(queue);
      expect(listed()).toEqual(['m1', 'm2', 'm3', 'm4']);
      queue.remove([first!]);
      // Its removal is not committed yet.
      expect(listed()).toEqual(['m2', 'm3', 'm4']);
      await queue.settled();
      expect(listed()).toEqual(['m2', 'm3', 'm4']);
    });

    it('shows those of an entity type, and those after a position', () => {
      expect(listed({ entity: 'crew' })).toEqual(['m1', 'm3', 'm4']);
      expect(listed({ entity: 'fuel' })).toEqual([]);
      const [, , third] = [...queue.messages()];
      expect(listed({ after: third!.position })).toEqual(['m4']);
    });

    it('reads more than one read brings, in order', async () => {
      await queue.accept(Array.from({ length: 300 }, (_, at) => draft(at % 3 === 0 ? 'a' : 'b')));
      const positions = [...queue.messages()].map(({ position }) => position);
      expect(positions).toHaveLength(304);
      expect(positions).toEqual([...positions].sort((a, b) => a - b));
    });

    it('leaves the queue as it is', () => {
      const before = queue.stats();
      listed();
      expect(queue.stats()).toEqual(before);
      expect(idsOf(takeAll(queue))).toEqual(['m1', 'm3', 'm4']);
    });
  });

  describe('purging', () => {
    it('drops what waits, tells it as gaps, and says so', async () => {
      await queue.accept([draft('crew'), draft('alerts', { lane: 'critical' }), draft('crew')]);
      expect(await queue.purge()).toBe(3);
      expect(queue.stats()).toMatchObject({ messages: 0, bytes: 0, untoldGaps: 3 });
      expect(queue.gaps().get('crew')).toEqual([{ from: 1, to: 2, reason: 'dropped' }]);
      expect(test.observer.dropReasons).toEqual(['purged', 'purged', 'purged']);
      expect(test.logger.warnings.at(-1)).toMatch(/3 waiting message.*purged by hand/);
      expect(takeAll(queue)).toEqual([]);
      const [next] = await queue.accept([draft('crew')]);
      expect(next!.sequence).toBe(3);
    });

    it('drops one entity type only, where one is named', async () => {
      await queue.accept([draft('crew'), draft('fuel', { messageId: 'stays' })]);
      expect(await queue.purge({ entity: 'crew' })).toBe(1);
      expect(await queue.purge({ entity: 'nothing' })).toBe(0);
      expect(idsOf(takeAll(queue))).toEqual(['stays']);
    });

    it('leaves what was sent, which may have arrived', async () => {
      await queue.accept(['m1', 'm2', 'm3'].map((messageId) => draft('crew', { messageId })));
      const sent = take(queue);
      const inFlight = take(queue);
      queue.putBack([sent]);
      expect(await queue.purge()).toBe(1);
      expect(idsOf([...queue.messages()])).toEqual([sent.messageId, inFlight.messageId]);
      expect(take(queue).messageId).toBe('m1');
    });

    it('drops more than one commit takes, and not what comes meanwhile', async () => {
      await reopen({ maxMessages: 100_000, maxBytes: 100_000_000 });
      await queue.accept(Array.from({ length: 5000 }, () => draft('crew')));
      const purging = queue.purge();
      const accepting = queue.accept([draft('crew', { messageId: 'late' })]);
      expect([await purging, (await accepting)[0]!.sequence]).toEqual([5000, 5001]);
      expect(idsOf(takeAll(queue))).toEqual(['late']);
      expect(queue.gaps().get('crew')).toEqual([{ from: 1, to: 5000, reason: 'dropped' }]);
    });

    it('is refused when the queue is closed', async () => {
      await queue.close();
      await expect(queue.purge()).rejects.toThrow(StoppingError);
    });
  });

  describe('gaps', () => {
    it('forgets what was told, and still knows what became of the message', async () => {
      await reopen({ maxMessages: 1 });
      const [first] = await queue.accept([draft('a')]);
      await queue.accept([draft('a')]);
      await queue.accept([draft('a')]);
      queue.forgetGaps('a', [{ from: 1, to: 1, reason: 'dropped' }]);
      expect(queue.gaps().get('a')).toEqual([{ from: 2, to: 2, reason: 'dropped' }]);
      queue.forgetGaps('a', [{ from: 2, to: 2, reason: 'dropped' }]);
      expect(queue.gaps().size).toBe(0);
      expect(queue.fateOf(first!)).toBe('dropped');
      expect(queue.stats().untoldGaps).toBe(0);
    });
  });

  describe('dead letters', () => {
    it('sets a taken message aside with its story, out of the count', async () => {
      const [accepted] = await queue.accept([draft('a', { messageId: 'bad' }), draft('a')]);
      test.clock.advance(5000);
      queue.setAside(take(queue), REFUSED);
      expect(queue.stats().messages).toBe(1);
      expect(queue.fateOf(accepted!)).toBe('dead_lettered');
      await queue.settled();
      const letters = [...queue.deadLetters()];
      expect(letters).toMatchObject([{ ...REFUSED, entity: 'a', sequence: 1, message: { messageId: 'bad' } }]);
      expect(letters[0]!.deadAtMs).toBe(test.clock.wallMs());
      expect(letters[0]!.message!.payload.toString()).toContain('"bad"');
      expect(test.observer.letters).toEqual(letters);
      expect(test.observer.leftPositions).toEqual([accepted!.position]);
      expect(queue.stats()).toMatchObject({ messages: 1, deadLetters: 1, untoldGaps: 0 });
      expect(queue.fateOf(accepted!)).toBe('dead_lettered');
    });

    it('discards the oldest beyond the limit, as a gap', async () => {
      await reopen({ maxDeadLetters: 2 });
      const accepted = await queue.accept([draft('a'), draft('a'), draft('a'), draft('a')]);
      for (const message of takeAll(queue)) {
        queue.setAside(message, REFUSED);
        await queue.settled();
      }
      expect([...queue.deadLetters()].map(({ sequence }) => sequence)).toEqual([3, 4]);
      expect(queue.gaps().get('a')).toEqual([{ from: 1, to: 2, reason: 'discarded' }]);
      expect(test.observer.discards).toEqual([
        [1, 'too_many'],
        [2, 'too_many'],
      ]);
      expect(queue.fateOf(accepted[0]!)).toBe('dead_lettered');
      expect(test.logger.warnings.some((line) => line.includes('maxDeadLetters'))).toBe(true);
    });

    it('keeps to the limit when many are set aside at once', async () => {
      await reopen({ maxDeadLetters: 2 });
      await queue.accept([draft('a'), draft('a'), draft('a'), draft('a')]);
      for (const message of takeAll(queue)) queue.setAside(message, REFUSED);
      await queue.settled();
      expect(queue.stats().deadLetters).toBe(2);
    });

    it('sends one again with its id and sequence, on request', async () => {
      await queue.accept([draft('a', { messageId: 'bad' }), draft('a')]);
      const dead = take(queue);
      queue.setAside(dead, REFUSED);
      await queue.settled();
      expect(await queue.retryDeadLetter(dead.position)).toBe(true);
      expect(queue.stats()).toMatchObject({ messages: 2, deadLetters: 0 });
      expect(test.observer.retriedIds).toEqual(['bad']);
      const [, again] = takeAll(queue);
      expect(again).toMatchObject({ messageId: 'bad', sequence: 1 });
      expect(again!.payload).toEqual(dead.payload);
      const [next] = await queue.accept([draft('a')]);
      expect(next!.sequence).toBe(3);
      expect(await queue.retryDeadLetter(dead.position)).toBe(false);
      expect(test.observer.discards).toEqual([]);
    });

    it('lists those behind a position', async () => {
      await queue.accept(Array.from({ length: 9 }, () => draft('a')));
      const dead = takeAll(queue);
      for (const message of dead) queue.setAside(message, REFUSED);
      await queue.settled();
      const behind = [...queue.deadLetters(dead[6]!.position)];
      expect(behind.map(({ position }) => position)).toEqual([dead[7]!.position, dead[8]!.position]);
      expect([...queue.deadLetters(dead[8]!.position)]).toEqual([]);
    });

    it('forgets one on request, as a gap', async () => {
      await queue.accept([draft('a')]);
      const dead = take(queue);
      queue.setAside(dead, REFUSED);
      await queue.settled();
      expect(await queue.discardDeadLetter(dead.position)).toBe(true);
      expect(await queue.discardDeadLetter(dead.position)).toBe(false);
      expect(test.observer.discards).toEqual([[1, 'by_hand']]);
      expect([...queue.deadLetters()]).toEqual([]);
      expect(queue.gaps().get('a')).toEqual([{ from: 1, to: 1, reason: 'discarded' }]);
    });
  });

  describe('fate', () => {
    it('is waiting while a message waits, is in flight or is put back', async () => {
      const [first, , third] = await queue.accept([draft('a'), draft('a'), draft('a')]);
      const message = take(queue);
      expect(queue.fateOf(first!)).toBe('waiting');
      expect(queue.fateOf(third!)).toBe('waiting');
      queue.putBack([message]);
      expect(queue.fateOf(first!)).toBe('waiting');
    });
  });

  describe('fate of a dead letter that was retried', () => {
    it('is that of the message which it is again, each time', async () => {
      const [accepted] = await queue.accept([draft('a'), draft('a')]);
      for (let retries = 0; retries < 2; retries++) {
        const dead = takeAll(queue).find(({ sequence }) => sequence === 1)!;
        queue.setAside(dead, REFUSED);
        expect(queue.fateOf(accepted!)).toBe('dead_lettered');
        await queue.settled();
        expect(queue.fateOf(accepted!)).toBe('dead_lettered');
        await queue.retryDeadLetter(dead.position);
        expect(queue.fateOf(accepted!)).toBe('waiting');
      }
      const again = take(queue);
      expect(queue.fateOf(accepted!)).toBe('waiting');
      queue.remove([again]);
      expect(queue.fateOf(accepted!)).toBe('left');
      expect(test.observer.leftPositions.at(-1)).toBe(again.position);
      expect(test.observer.leftAcceptedAt).toEqual([1, 1, 1].map(() => accepted!.position));
      await queue.settled();
      expect(queue.fateOf(accepted!)).toBe('left');
    });
  });

  describe('numbers', () => {
    it('tells messages, bytes and the oldest per lane, in flight included', async () => {
      await queue.accept([draft('a', { acceptedAtMs: 10 }), draft('b', { acceptedAtMs: 20, lane: 'bulk' })]);
      const message = take(queue);
      await queue.accept([draft('a', { acceptedAtMs: 30 })]);
      const { lanes, ...stats } = queue.stats();
      expect(stats).toMatchObject({
        messages: 3,
        oldestAcceptedAtMs: 10,
        available: true,
        unavailableReason: undefined,
      });
      expect(lanes.normal).toMatchObject({ messages: 2, oldestAcceptedAtMs: 10 });
      expect(lanes.bulk).toMatchObject({ messages: 1, oldestAcceptedAtMs: 20 });
      queue.remove([message]);
      expect(queue.stats()).toMatchObject({ messages: 2, oldestAcceptedAtMs: 20 });
      expect(queue.stats().bytes).toBe(lanes.normal.bytes + lanes.bulk.bytes - message.payload.length);
    });
  });

  describe('closing', () => {
    it('during the opening ends both, and leaves the store to others', async () => {
      const makeQueue = make();
      const first = watch(makeQueue).queue;
      await first.open(VESSEL);
      await first.close();
      const closed = watch(makeQueue).queue;
      const opening = closed.open(VESSEL);
      const refused = expect(opening).rejects.toThrow(StoppingError);
      await closed.close();
      await refused;
      expect(closed.identity).toBeUndefined();
      expect(closed.stats().available).toBe(false);
      await expect(watch(makeQueue).queue.open(VESSEL)).resolves.toMatchObject({ vesselId: VESSEL.vesselId });
    });

    it('finishes what was asked for and refuses what comes then', async () => {
      const accepting = queue.accept([draft('a')]);
      const closing = queue.close();
      await expect(queue.accept([draft('a')])).rejects.toThrow(StoppingError);
      await expect(accepting).resolves.toHaveLength(1);
      await closing;
      await queue.close();
      expect(queue.take('normal', anyType)).toBeUndefined();
      expect(queue.stats().available).toBe(false);
      expect([...queue.deadLetters()]).toEqual([]);
    });
  });
});

describe('MemoryQueue', () => {
  it('says at the start that it promises nothing, and counts what it leaves behind as dropped', async () => {
    const { queue, logger, observer } = watch(inMemory);
    await queue.open(VESSEL);
    expect(queue.durable).toBe(false);
    expect(logger.warnings).toHaveLength(1);
    await queue.accept(['m0', 'm1', 'm2'].map((messageId) => draft('a', { messageId })));
    take(queue);
    await queue.close();
    expect(observer.droppedIds).toEqual(['m0', 'm1', 'm2']);
    expect(new Set(observer.dropReasons)).toEqual(new Set(['memory_store_stopped']));
    expect(observer.leftPositions).toHaveLength(3);
    expect(queue.stats().messages).toBe(0);
  });
});
