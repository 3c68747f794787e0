import { describe, expect, it } from 'vitest';
import { queuedMessage } from '../../../test/helpers/messages.js';
import { OrderGuard } from './order-guard.js';

const message = (position: number, qos: 0 | 1 | 2, key?: string) => queuedMessage({ position, qos, key });

describe('OrderGuard', () => {
  it('lets messages of one key and one QoS through together', () => {
    const guard = new OrderGuard();
    expect([1, 2, 3].map((position) => guard.admit(message(position, 1, 'a')))).toEqual([true, true, true]);
  });

  it('holds a message whose QoS differs from an unacknowledged earlier one of its key, until that one is through', () => {
    const guard = new OrderGuard();
    const first = message(1, 1, 'a');
    const second = message(2, 2, 'a');
    expect(guard.admit(first)).toBe(true);
    expect(guard.admit(second)).toBe(false);
    expect(guard.release()).toBeUndefined();
    guard.settle(first);
    expect(guard.release()).toBe(second);
    expect(guard.release()).toBeUndefined();
    expect(guard.held).toBe(0);
  });

  it('counts what it holds, and no longer what was withdrawn', () => {
    const guard = new OrderGuard();
    guard.admit(message(1, 1, 'a'));
    guard.admit(message(2, 2, 'a'));
    guard.admit(message(3, 1, 'a'));
    expect(guard.held).toBe(2);
    expect(guard.withdraw('work_orders')).toHaveLength(2);
    expect(guard.held).toBe(0);
  });

  it('lets other keys pass the one that is held', () => {
    const guard = new OrderGuard();
    guard.admit(message(1, 1, 'a'));
    guard.admit(message(2, 2, 'a'));
    expect(guard.admit(message(3, 2, 'b'))).toBe(true);
  });

  it('holds what follows a held message in its key, whatever its QoS', () => {
    const guard = new OrderGuard();
    const [first, second, third] = [message(1, 1, 'a'), message(2, 2, 'a'), message(3, 1, 'a')];
    guard.admit(first);
    guard.admit(second);
    expect(guard.admit(third)).toBe(false);
    guard.settle(first);
    expect(guard.release()).toBe(second);
    expect(guard.release()).toBeUndefined();
    guard.settle(second);
    expect(guard.release()).toBe(third);
  });

  it('orders a message without a key with its whole entity type', () => {
    const guard = new OrderGuard();
    const [keyed, keyless, after] = [message(1, 1, 'a'), message(2, 2), message(3, 1, 'b')];
    guard.admit(keyed);
    expect(guard.admit(keyless)).toBe(false);
    expect(guard.admit(after)).toBe(false);
    guard.settle(keyed);
    expect(guard.release()).toBe(keyless);
    expect(guard.release()).toBeUndefined();
    guard.settle(keyless);
    expect(guard.release()).toBe(after);
  });

  it('never holds QoS 0, which promises no order', () => {
    const guard = new OrderGuard();
    guard.admit(message(1, 2, 'a'));
    expect(guard.admit(message(2, 0, 'a'))).toBe(true);
  });

  it('stops asking for more of an entity type when too much of it is held', () => {
    const guard = new OrderGuard();
    guard.admit(message(1, 1, 'a'));
    for (let position = 2; guard.hasRoom('work_orders'); position++) {
      expect(position).toBeLessThan(1000);
      guard.admit(message(position, 2, 'a'));
    }
    expect(guard.hasRoom('alerts')).toBe(true);
  });

  it('gives back everything it holds, in order, when the link is lost', () => {
    const guard = new OrderGuard();
    guard.admit(message(1, 1, 'a'));
    guard.admit(message(2, 2, 'a'));
    guard.admit(message(3, 1, 'a'));
    expect(guard.held).toBe(2);
    expect(guard.clear().map(({ position }) => position)).toEqual([2, 3]);
    expect(guard.held).toBe(0);
    expect(guard.admit(message(2, 2, 'a'))).toBe(true);
  });
});
