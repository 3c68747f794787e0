import { describe, expect, it } from 'vitest';
import { QueueFullError } from '../../src/mqtt-sync/errors.js';
import type { QueuedMessage } from '../../src/mqtt-sync/queue/message.js';
import type { SyncQueue } from '../../src/mqtt-sync/queue/sync-queue.js';
import { anyType, draft, idsOf, inMemory, onDisk, randomOf, temporaryFolder, VESSEL, watch } from './queue-harness.js';

const MAX_MESSAGES = 12;
const TYPES = ['a', 'b', 'c'];
const STEPS = 250;

interface ModelMessage {
  readonly id: string;
  readonly entity: string;
  readonly sequence: number;
  /** `back` has been sent and may not be dropped; what was taken and not sent is `new` again. */
  state: 'new' | 'flying' | 'back';
}

/** What a queue has to do, as short as it can be said: a list in the order of acceptance. */
class Model {
  messages: ModelMessage[] = [];
  readonly sequences = new Map<string, number>();
  readonly gaps = new Map<string, Set<number>>();
  readonly dead: string[] = [];

  /** Whether the messages find room. */
  accept(drafts: readonly { readonly entity: string; readonly messageId: string }[]): boolean {
    const excess = this.messages.length + drafts.length - MAX_MESSAGES;
    const victims = this.messages.filter(({ state }) => state === 'new').slice(0, Math.max(0, excess));
    if (drafts.length > MAX_MESSAGES || victims.length < excess) return false;
    for (const { entity, sequence } of victims) this.gapsOf(entity).add(sequence);
    this.messages = this.messages.filter((message) => !victims.includes(message));
    for (const { entity, messageId } of drafts) {
      const sequence = (this.sequences.get(entity) ?? 0) + 1;
      this.sequences.set(entity, sequence);
      this.messages.push({ id: messageId, entity, sequence, state: 'new' });
    }
    return true;
  }

  take(entities: readonly string[]): string | undefined {
    const message = this.messages.find(({ entity, state }) => state !== 'flying' && entities.includes(entity));
    if (message) message.state = 'flying';
    return message?.id;
  }

  putBack(id: string): void {
    this.messages.find((message) => message.id === id)!.state = 'back';
  }

  untake(id: string): void {
    this.messages.find((message) => message.id === id)!.state = 'new';
  }

  remove(id: string): void {
    this.messages = this.messages.filter((message) => message.id !== id);
  }

  /** Nobody remembers after a restart what was taken. */
  restart(): void {
    for (const message of this.messages) message.state = 'new';
  }

  gapsOf(entity: string): Set<number> {
    let gaps = this.gaps.get(entity);
    if (!gaps) this.gaps.set(entity, (gaps = new Set()));
    return gaps;
  }
}

function gapNumbers(queue: SyncQueue, entity: string): number[] {
  const ranges = queue.gaps().get(entity) ?? [];
  return ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
}

describe.each([
  {
    name: 'DiskQueue',
    make: () => onDisk(temporaryFolder()),
    survives: true,
  },
  { name: 'MemoryQueue', make: () => inMemory, survives: false },
])('$name does what the model does', ({ make, survives }) => {
  it.each([1, 2, 3, 4, 5, 6])('whatever is asked of it (seed %i)', async (seed) => {
    const random = randomOf(seed);
    const model = new Model();
    const makeQueue = make();
    const open = async () => {
      const { queue } = watch(makeQueue, { maxMessages: MAX_MESSAGES, maxDeadLetters: 1000 });
      await queue.open(VESSEL);
      return queue;
    };
    let queue = await open();
    let flying: QueuedMessage[] = [];
    let count = 0;

    const accept = async () => {
      // Several calls at once, some of them batches.
      const calls = Array.from({ length: 1 + random(3) }, () =>
        Array.from({ length: 1 + random(4) }, () => draft(TYPES[random(3)]!, { messageId: `m${++count}` })),
      );
      const answers = await Promise.allSettled(calls.map((drafts) => queue.accept(drafts)));
      answers.forEach((answer, index) => {
        const fits = model.accept(calls[index]!);
        if (answer.status === 'rejected') expect([fits, answer.reason]).toEqual([false, expect.any(QueueFullError)]);
        else expect([fits, idsOf(answer.value)]).toEqual([true, idsOf(calls[index]!)]);
      });
    };
    const takeSome = () => {
      const entities = TYPES.filter(() => random(3) > 0);
      const message = queue.take('normal', (entity) => entities.includes(entity));
      expect(message?.messageId).toBe(model.take(entities));
      if (message) flying.push(message);
    };
    const settleSome = () => {
      const chosen = flying.filter(() => random(2) === 0);
      flying = flying.filter((message) => !chosen.includes(message));
      const how = random(6);
      if (how === 5) {
        queue.untake([...chosen].reverse());
        for (const { messageId } of chosen) model.untake(messageId);
      } else if (how < 2) {
        queue.putBack([...chosen].reverse());
        for (const { messageId } of chosen) model.putBack(messageId);
      } else {
        for (const message of chosen) {
          if (how === 4) {
            queue.setAside(message, { reason: 'refused', reasonCode: 0x87, attempts: 1 });
            model.dead.push(message.messageId);
          } else queue.remove([message]);
          model.remove(message.messageId);
        }
      }
    };
    const restart = async () => {
      if (!survives) return;
      await queue.close();
      queue = await open();
      flying = [];
      model.restart();
    };

    for (let step = 0; step < STEPS; step++) {
      const action = random(20);
      if (action < 6) await accept();
      else if (action < 14) takeSome();
      else if (action < 19) settleSome();
      else await restart();
      expect(queue.stats().messages).toBe(model.messages.length);
    }
    await queue.settled();
    for (const entity of TYPES)
      expect(gapNumbers(queue, entity)).toEqual([...model.gapsOf(entity)].sort((a, b) => a - b));
    expect([...queue.deadLetters()].map(({ message }) => message?.messageId).sort()).toEqual(model.dead.sort());
    for (;;) {
      const message = queue.take('normal', anyType);
      expect(message?.messageId).toBe(model.take(TYPES));
      if (!message) break;
    }
  });
});
