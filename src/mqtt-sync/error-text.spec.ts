import { describe, expect, it } from 'vitest';
import { WORDLESS } from '../../test/helpers/wordless.js';
import { errorText } from './error-text.js';
import { failureText } from './connection/failure-text.js';
import { RecordingLogger } from '../../test/helpers/connection.js';
import { handlerError } from './subscriber/handler-error.js';
import { SyncEvents } from './sync-events.js';

describe('the text of an error', () => {
  it('is its message, or what was thrown itself', () => {
    expect([new Error('no disk'), 'no disk', undefined, 7].map(errorText)).toEqual([
      'no disk',
      'no disk',
      'undefined',
      '7',
    ]);
  });

  it.each(WORDLESS)('is a text for $what too', ({ thrown }) => {
    expect(typeof errorText(thrown)).toBe('string');
    expect(failureText(thrown)).toMatch(/^.{1,300}$/);
  });

  it.each(WORDLESS)('makes an error of $what that a handler threw', ({ thrown }) => {
    expect(handlerError(thrown)).toBeInstanceOf(Error);
  });

  it('ends for errors that collect one another', () => {
    const circle = new AggregateError([], '');
    circle.errors.push(circle, circle);
    expect(failureText(circle)).toMatch(/./);
  });

  it.each(WORDLESS)('lets an event reach the other listeners when one throws $what', ({ thrown }) => {
    const logger = new RecordingLogger();
    const events = new SyncEvents(logger);
    const heard: string[] = [];
    events.on('reconnecting', () => {
      throw thrown;
    });
    events.on('reconnecting', () => heard.push('second'));
    events.emit('reconnecting', { attempt: 1 });
    expect(heard).toEqual(['second']);
    expect(logger.matching(/A listener of "reconnecting" threw/)).toHaveLength(1);
  });
});
