import type { MessageKey } from '../message-store.js';

/** A key as lmdb wants it: numbers in the order in which they sort. */
export type NumberKey = readonly [number, number, number];

interface KeyEncoder {
  writeKey(key: NumberKey, target: Buffer, start: number): number;
  readKey(source: Buffer, start: number): NumberKey;
}

function keyEncoder(widths: NumberKey): KeyEncoder {
  const [first, second, third] = widths;
  return {
    writeKey(key, target, start) {
      target.writeUIntBE(key[0], start, first);
      target.writeUIntBE(key[1], start + first, second);
      return target.writeUIntBE(key[2], start + first + second, third);
    },
    readKey: (source, start) => [
      source.readUIntBE(start, first),
      source.readUIntBE(start + first, second),
      source.readUIntBE(start + first + second, third),
    ],
  };
}

/** Segments of the journal: entity type (u16), sequence of the first message (u48). */
export type SegmentKey = [type: number, first: number];

export const segmentKeys = {
  writeKey(key: SegmentKey, target: Buffer, start: number): number {
    target.writeUInt16BE(key[0], start);
    return target.writeUIntBE(key[1], start + 2, 6);
  },
  readKey: (source: Buffer, start: number): SegmentKey => [source.readUInt16BE(start), source.readUIntBE(start + 2, 6)],
};

/** Messages: entity type (u16), position (u48), sequence (u48), big endian: a type's messages lie together, in order. */
export const messageKeys = {
  encoder: keyEncoder([2, 6, 6]),
  of: ({ type, position, sequence }: MessageKey): NumberKey => [type, position, sequence],
  read: ([type, position, sequence]: NumberKey): MessageKey => ({ type, position, sequence }),
};

/** Dead letters: position (u48), entity type (u16), sequence (u48): the oldest is the first. */
export const deadLetterKeys = {
  encoder: keyEncoder([6, 2, 6]),
  of: ({ type, position, sequence }: MessageKey): NumberKey => [position, type, sequence],
  read: ([position, type, sequence]: NumberKey): MessageKey => ({ type, position, sequence }),
};
