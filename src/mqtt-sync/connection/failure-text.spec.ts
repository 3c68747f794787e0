import { describe, expect, it } from 'vitest';
import { failureText, reasonCodeText } from './failure-text.js';

describe('failureText', () => {
  it('joins what Node reports together about the addresses of one host', () => {
    const errors = [new Error('connect ECONNREFUSED ::1:1883'), new Error('connect ECONNREFUSED 127.0.0.1:1883')];
    expect(failureText(new AggregateError(errors, ''))).toBe(
      'connect ECONNREFUSED ::1:1883; connect ECONNREFUSED 127.0.0.1:1883',
    );
  });

  it('falls back on the code, then the name, of an error without a message', () => {
    expect(failureText(Object.assign(new Error(''), { code: 'EPIPE' }))).toBe('EPIPE');
    expect(failureText(new TypeError(''))).toBe('TypeError');
  });

  it('keeps the reason of an OpenSSL error and leaves out the rest', () => {
    const message =
      'write EPROTO 80FCE890A37F0000:error:0A0000F4:SSL routines:ssl3_read_bytes:unexpected message:../deps/a.c:1538:\n';
    expect(failureText(new Error(message))).toBe('write EPROTO SSL routines: unexpected message');
  });

  it('is one line of bounded length without the secrets', () => {
    const text = failureText(new Error(`a\r\n\u001b[31mb hunter2x ${'c'.repeat(500)}`), ['hunter2x', undefined, 'a']);
    expect(text).toMatch(/^a \[31mb \*\*\* c+$/);
    expect(text).toHaveLength(300);
  });
});

describe('reasonCodeText', () => {
  it('names codes of both MQTT versions, and shows unknown ones', () => {
    expect(reasonCodeText(0x05)).toBe('Not authorized (0x05)');
    expect(reasonCodeText(0x8e)).toBe('Session taken over (0x8e)');
    expect(reasonCodeText(0xef)).toBe('unknown reason (0xef)');
  });
});
