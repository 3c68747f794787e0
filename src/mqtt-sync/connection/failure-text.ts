import { ReasonCodes } from 'mqtt';
import { secretForms } from './secret-forms.js';

/** Longer texts are cut: a broker or a proxy may answer with a page of them. */
const MAX_LENGTH = 300;

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    // Node tries every address of a host and then reports them together, with an empty message.
    return [...new Set(error.errors.map(messageOf))].join('; ');
  }
  if (!(error instanceof Error)) return String(error);
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}

/** OpenSSL wraps its reason in a thread id, numbers and source lines. */
const OPENSSL_ERROR = /[0-9A-F]+:error:[0-9A-F]+:([^:]*):[^:]*:([^:]*):.*/;

/** What went wrong, for people: one line, without the secrets given. */
export function failureText(error: unknown, secrets: readonly (string | undefined)[] = []): string {
  let text = messageOf(error).replace(OPENSSL_ERROR, '$1: $2');
  for (const secret of secrets) {
    for (const form of secretForms(secret ?? '')) text = text.replaceAll(form, '***');
  }
  return text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, MAX_LENGTH);
}

/** A reason code as the specification writes it, e.g. `0x87`. */
export const formatReasonCode = (code: number): string => `0x${code.toString(16).padStart(2, '0')}`;

/** Name and number of an MQTT reason code (MQTT 5, section 2.4) or a return code (MQTT 3.1.1, section 3.2.2.3). */
export function reasonCodeText(code: number): string {
  const name = (ReasonCodes as Readonly<Record<number, string>>)[code];
  return `${name ? name : 'unknown reason'} (${formatReasonCode(code)})`;
}
