import type { IncomingMessage } from 'node:http';
import { ProblemException } from './problem.js';

/** How many bytes of body are read at most. */
export interface BodyLimits {
  readonly singleBytes: number;
  /** For a body that is an array. */
  readonly arrayBytes: number;
}

/**
 * JSON escapes and indentation can make a body larger than the envelope it becomes: an escaped Cyrillic letter takes six
 * bytes for two. Larger than this cannot become a message of the allowed size, or only by chance.
 */
const ESCAPES_FACTOR = 4;
const SMALLEST_LIMIT_BYTES = 16_384;
/** Node's strings end at 512 MiB. */
const LARGEST_LIMIT_BYTES = 256 * 1024 * 1024;
/** Enough for a thousand changes of 16 KiB. */
const ARRAY_BYTES = 16 * 1024 * 1024;

/** The limits that follow from the size of the largest message. */
export function bodyLimits(maxMessageBytes: number): BodyLimits {
  const singleBytes = Math.min(ESCAPES_FACTOR * maxMessageBytes + SMALLEST_LIMIT_BYTES, LARGEST_LIMIT_BYTES);
  return { singleBytes, arrayBytes: Math.max(singleBytes, ARRAY_BYTES) };
}

/**
 * Reads and parses a JSON body, never more of it than allowed.
 * @throws {ProblemException} 415 not JSON in UTF-8, 413 too large, 400 malformed.
 */
export async function readJson(request: IncomingMessage, limits: BodyLimits): Promise<unknown> {
  assertJson(request);
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limits.arrayBytes) throw tooLarge(limits.arrayBytes);
  const text = decode(await collect(request, limits));
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw malformed(`The body is not JSON: ${error instanceof Error ? error.message : 'unknown'}.`);
  }
}

function assertJson({ headers }: IncomingMessage): void {
  const [mediaType = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters.map((parameter) => /^\s*charset="?([^"\s]*)"?\s*$/.exec(parameter)?.[1]).find(Boolean);
  const encoding = headers['content-encoding'] ?? 'identity';
  const isUtf8 = charset === undefined || /^utf-?8$/.test(charset);
  if (mediaType.trim() === 'application/json' && isUtf8 && encoding === 'identity') return;
  throw new ProblemException(415, {
    code: 'UNSUPPORTED_MEDIA_TYPE',
    detail: 'Send the body as "Content-Type: application/json", in UTF-8, without Content-Encoding.',
    headers: { Accept: 'application/json' },
  });
}

/** Collects the body. One that is too large is still taken from the socket, so that the client reads the answer. */
function collect(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let limit: number | undefined;
    const fail = (problem: ProblemException) => {
      request.off('data', take).off('end', finish).off('close', abort).resume();
      reject(problem);
    };
    const take = (chunk: Buffer) => {
      limit ??= limitFor(chunk, limits);
      bytes += chunk.length;
      chunks.push(chunk);
      const allowed = limit ?? limits.singleBytes;
      if (bytes > allowed) fail(tooLarge(allowed));
    };
    const finish = () => {
      request.off('close', abort);
      resolve(Buffer.concat(chunks));
    };
    const abort = () => fail(malformed('The connection ended before the body did.'));
    request.on('data', take).on('end', finish).on('close', abort).on('error', abort);
  });
}

/** The first byte that is not white space tells an array; undefined: not seen yet. */
function limitFor(chunk: Buffer, limits: BodyLimits): number | undefined {
  const first = chunk.find((byte) => !' \t\r\n'.includes(String.fromCharCode(byte)));
  if (first === undefined) return undefined;
  return first === '['.charCodeAt(0) ? limits.arrayBytes : limits.singleBytes;
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw malformed('The body is not UTF-8.');
  }
}

function malformed(detail: string): ProblemException {
  return new ProblemException(400, { code: 'BODY_MALFORMED', detail });
}

function tooLarge(limit: number): ProblemException {
  return new ProblemException(413, {
    code: 'BODY_TOO_LARGE',
    detail:
      `The body is larger than ${limit} bytes. Send less data in a change, or fewer changes at once; what one change may take ` +
      'follows from MQTT_MAX_MESSAGE_BYTES.',
  });
}
