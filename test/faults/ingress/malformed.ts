/** A source of numbers in [0, 1) that gives the same ones for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const VALID = JSON.stringify({ entity: 'crew', operation: 'update', key: 'k', data: { id: 'k', name: 'Åse' } });
const FIELDS = ['entity', 'operation', 'key', 'data', 'qos', 'retain', 'messageId', '__proto__', 'constructor', 'x'];
const VALUES = [
  ...[
    'null',
    '1e999',
    '-0',
    '[]',
    '{}',
    '""',
    '"\\u0000"',
    '"\\ud800"',
    '"#"',
    '"Crew"',
    'true',
    '[[[[]]]]',
    '"upsert"',
  ],
  ...['{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}', `"${'x'.repeat(70_000)}"`],
];
const PATHS = [
  'changes',
  'changes',
  'changes',
  'changes',
  'changes',
  'changes/',
  'changes?__proto__[polluted]=1',
  'changes/../changes',
  'dead-letters/%ff',
  'dead-letters',
];
const METHODS = ['POST', 'POST', 'POST', 'POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'OPTIONS', 'TRACE', 'B\u0000GUS'];
const TYPES = [
  'application/json',
  'application/json',
  'application/json; charset=utf-16',
  'text/plain',
  'application/json;;=',
  '',
];

/** One request as bytes on the wire: most are wrong in one way or another, some are right by chance. */
export function malformedRequest(random: () => number): Buffer {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const body = bodyOf(random, pick);
  const length =
    random() < 0.9 ? String(body.length) : pick(['-1', 'x', '0', '5', `${body.length}, 3`, '99999999999999999999']);
  const head = [
    `${pick(METHODS)} /api/mqtt/reliable-sync/${pick(PATHS)} HTTP/${random() < 0.95 ? '1.1' : pick(['9.9', '1.0', 'x'])}`,
    'Host: localhost',
    `Content-Type: ${pick(TYPES)}`,
    `Content-Length: ${length}`,
    ...(random() < 0.05 ? ['Transfer-Encoding: chunked'] : []),
    ...(random() < 0.05 ? [`X-Long: ${'y'.repeat(30_000)}`] : []),
    ...(random() < 0.03 ? ['no colon here'] : []),
    ...(random() < 0.05 ? ['Content-Encoding: gzip'] : []),
    'Connection: close',
  ].join('\r\n');
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body]);
}

function bodyOf(random: () => number, pick: <T>(from: readonly T[]) => T): Buffer {
  const kind = random();
  if (kind < 0.4) {
    const fields = Array.from({ length: Math.floor(random() * 6) }, () => `"${pick(FIELDS)}":${pick(VALUES)}`);
    return Buffer.from(`{"entity":"crew","operation":"update"${fields.map((field) => `,${field}`).join('')}}`);
  }
  const bytes = Buffer.from(kind < 0.5 ? `[${VALID},${pick(VALUES)}]` : VALID);
  if (kind < 0.7) return bytes.subarray(0, Math.floor(random() * bytes.length));
  // Bytes that are no UTF-8, among others.
  for (let changes = 0; changes < 1 + random() * 4; changes++) {
    bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  }
  return bytes;
}
