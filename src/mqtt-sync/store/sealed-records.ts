import { crc32 } from 'node:zlib';

// A record is: CRC-32 of all that follows (u32), length of the header (u32), header (JSON), body (bytes as they are).
const HEADER_AT = 8;

/** Makes a record whose damage will be noticed; several bodies follow each other. */
export function seal(header: unknown, ...bodies: readonly Buffer[]): Buffer {
  const text = JSON.stringify(header);
  const headerLength = Buffer.byteLength(text);
  let bodyAt = HEADER_AT + headerLength;
  const record = Buffer.allocUnsafe(bodies.reduce((length, body) => length + body.length, bodyAt));
  record.writeUInt32BE(headerLength, 4);
  record.write(text, HEADER_AT);
  for (const body of bodies) bodyAt += body.copy(record, bodyAt);
  record.writeUInt32BE(crc32(record.subarray(4)), 0);
  return record;
}

/** Opens a record; undefined when it is damaged. The caller knows what header it sealed. */
export function unseal<Header>(record: Buffer): { readonly header: Header; readonly body: Buffer } | undefined {
  if (record.length < HEADER_AT || crc32(record.subarray(4)) !== record.readUInt32BE(0)) return undefined;
  const bodyAt = HEADER_AT + record.readUInt32BE(4);
  return { header: JSON.parse(record.toString('utf8', HEADER_AT, bodyAt)) as Header, body: record.subarray(bodyAt) };
}

/** The header alone, without a look at the body or the CRC: for deciding, not for delivering. */
export function peekHeader<Header>(record: Buffer): Header | undefined {
  try {
    return JSON.parse(record.toString('utf8', HEADER_AT, HEADER_AT + record.readUInt32BE(4))) as Header;
  } catch {
    return undefined;
  }
}
