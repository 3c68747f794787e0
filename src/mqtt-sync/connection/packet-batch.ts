import { type Packet, writeToStream } from 'mqtt-packet';
import type { MqttProtocol } from './connection-options.js';

/**
 * The table of all two-byte numbers that the encoder would make at the first connection: 65,536 buffers, 5 MiB and up to 25 ms
 * of the event loop, to save 0.1 us a packet.
 */
writeToStream.cacheNumbers = false;

/** Just enough of a stream for the encoder; it must not have `cork`, or each packet would schedule an uncork. */
class ChunkCollector {
  readonly chunks: Buffer[] = [];
  failure: Error | undefined;

  /** With its table, which somebody else in the process may want, the encoder writes `undefined` for what is beyond it. */
  write(chunk: Buffer | string | undefined): boolean {
    if (chunk === undefined) throw new RangeError('A string of more than 65,535 bytes has no encoding in MQTT');
    this.chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    return true;
  }

  destroy(error: Error): void {
    this.failure = error;
  }
}

/** Encodes packets and joins them into one buffer, so that a window of small packets costs one system call. */
export class PacketBatch {
  private collector = new ChunkCollector();
  private readonly encoding: { readonly protocolVersion: 4 | 5 };
  private pendingBytes = 0;

  constructor(protocol: MqttProtocol) {
    this.encoding = { protocolVersion: protocol === '5' ? 5 : 4 };
  }

  /** Bytes added since the last `take()`. */
  get bytes(): number {
    return this.pendingBytes;
  }

  /**
   * Adds a packet whole, or not at all.
   * @throws {Error} when it cannot be encoded, e.g. a topic of more than 65,535 bytes [MQTT-1.5.4].
   */
  add(packet: Packet): void {
    const { chunks } = this.collector;
    const before = chunks.length;
    try {
      writeToStream(packet, this.collector as unknown as NodeJS.WritableStream, this.encoding);
      if (this.collector.failure) throw this.collector.failure;
    } catch (error) {
      chunks.length = before;
      this.collector.failure = undefined;
      throw error;
    }
    for (let index = before; index < chunks.length; index++) this.pendingBytes += chunks[index]!.length;
  }

  /** Everything added so far as one buffer; undefined when there is nothing. */
  take(): Buffer | undefined {
    if (this.pendingBytes === 0) return undefined;
    const joined = Buffer.concat(this.collector.chunks, this.pendingBytes);
    this.collector = new ChunkCollector();
    this.pendingBytes = 0;
    return joined;
  }
}
