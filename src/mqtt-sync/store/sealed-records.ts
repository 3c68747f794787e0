import { crc32 } from 'node:zlib';

// A record is: CRC-32 of all that follows (u32), length of the header (u32), header (JSON), body (bytes as they are).
const HEADER_AT = 8;

const NO_BODY = Buffer.alloc(0);

/** Makes a record whose damage will be noticed. */
export function seal(header: unknown, body: Buffer = NO_BODY): Buffer {
  const text = JSON.stringify(header);
  const headerLength = Buffer.byteLength(text);
  const record = Buffer.allocUnsafe(HEADER_AT + headerLength + body.length);
  record.writeUInt32BE(headerLength, 4);
  record.write(text, HEADER_AT);
  body.copy(record, HEADER_AT + headerLength);
  record.writeUInt32BE(crc32(record.subarray(4)), 0);
  return record;
}

/** Opens a record; undefined when it is damaged. The caller knows what header it sealed. */
export function unseal<Header>(record: Buffer): { readonly header: Header; readonly body: Buffer } | undefined {
  if (record.length < HEADER_AT || crc32(record.subarray(4)) !== record.readUInt32BE(0)) return undefined;
  const bodyAt = HEADER_AT + record.readUInt32BE(4);
  return { header: JSON.parse(record.toString('utf8', HEADER_AT, bodyAt)) as Header, body: record.subarray(bodyAt) };
}
