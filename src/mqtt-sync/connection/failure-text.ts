import { ReasonCodes } from 'mqtt';
import { errorText } from '../error-text.js';
import { secretForms } from './secret-forms.js';

/** Longer texts are cut: a broker or a proxy may answer with a page of them. */
const MAX_LENGTH = 300;

function messageOf(error: unknown): string {
  const text = errorText(error);
  return text === '' && error instanceof Error ? substituteFor(error) : text;
}

/** For the message of an error that has none. Whoever threw it may have given it anything for what is read here. */
function substituteFor(error: Error): string {
  const { errors, code, name } = error as { errors?: unknown; code?: unknown; name: unknown };
  // Node tries every address of a host and then reports them together, with an empty message.
  const all = error instanceof AggregateError && Array.isArray(errors) ? errors.map((one) => errorText(one)) : [];
  const texts = [[...new Set(all)].join('; '), code, name];
  return texts.find((text): text is string => typeof text === 'string' && text !== '') ?? 'Error';
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
