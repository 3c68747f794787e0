import { describe, expect, it } from 'vitest';
import { refusalOf } from './connack.js';
import { failureText } from './failure-text.js';
import { secretForms } from './secret-forms.js';

const SECRET = 'wheel/house? "7" ä';

describe('secretForms', () => {
  // A broker was found to give a password back in base64, in the reason of its refusal, which went into the log.
  it.each(
    [...'0123'].flatMap((_, before) => ['', ':', ':b', ':bc'].map((after) => `${'a'.repeat(before)}${SECRET}${after}`)),
  )('knows it inside the base64 of %j', (text) => {
    for (const encoding of ['base64', 'base64url'] as const) {
      const said = failureText(Buffer.from(text).toString(encoding), [SECRET]);
      expect(said).toMatch(/^.{0,6}\*\*\*.{0,8}$/);
    }
  });

  it.each([SECRET, encodeURIComponent(SECRET), encodeURI(SECRET), JSON.stringify(SECRET)])('knows it as %s', (text) => {
    expect(failureText(`go away, ${text}!`, [SECRET])).toMatch(/^go away, "?\*\*\*"?!$/);
  });

  it('leaves short ones alone, which would blot out half of every text', () => {
    expect(secretForms('abc')).toEqual([]);
  });
});

describe('a refusal', () => {
  it('is not cut before the secrets are taken out, so that no piece of one is left at the end', () => {
    const packet = { cmd: 'connack', reasonCode: 0x86, sessionPresent: false } as const;
    const reasonString = `${'x'.repeat(230)}${SECRET}`;
    const refusal = refusalOf({ ...packet, properties: { reasonString } }, '5');
    for (let length = 200; length < 260; length++) {
      const padded = refusal!.reason.replace(/x+/, 'x'.repeat(length));
      expect(failureText(padded, [SECRET])).not.toContain(SECRET.slice(0, 4));
    }
  });
});
