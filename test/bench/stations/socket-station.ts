import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { generate, type Packet } from 'mqtt-packet';
import { WINDOW } from '../contenders.js';
import { plainEnvelope, topicOf } from '../payload.js';
import type { Station, StationOptions } from './station.js';

const RETRY_MS = 100;
const MOST_PACKET_IDS = 65_535;
/** Packet type and remaining length, which is below 128 in everything that this broker sends. */
const FIXED_HEADER_BYTES = 2;

/**
 * The least that a program of Node can do: what was encoded before goes into a socket, and what comes back is counted. It looks
 * at no packet id and no reason code, and is of no other use than to show what Node and the broker need by themselves.
 */
export class SocketStation implements Station {
  private readonly packets: Buffer[] = [];
  private socket: Socket | undefined;
  private rest: Buffer = Buffer.alloc(0);
  private sent = 0;
  /** Packets that came, the CONNACK among them. */
  private received = 0;

  constructor(private readonly options: StationOptions) {}

  get delivered(): number {
    return Math.max(0, this.received - 1);
  }

  open(): Promise<void> {
    void this.dial();
    return Promise.resolve();
  }

  isConnected(): boolean {
    return this.received > 0;
  }

  publish(entity: string, first: number, count: number): Promise<void> {
    for (let number = first; number < first + count; number++) {
      const payload = plainEnvelope(entity, number);
      const messageId = (number % MOST_PACKET_IDS) + 1;
      const packet = { cmd: 'publish', topic: topicOf(entity), payload, qos: 1, retain: false, dup: false } as const;
      this.packets.push(encode({ ...packet, messageId }));
    }
    if (this.isConnected()) this.fill();
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.socket?.destroy();
    return Promise.resolve();
  }

  private async dial(): Promise<void> {
    const { hostname, port } = new URL(this.options.brokerUrl);
    while (!this.socket) {
      const socket = connect(Number(port), hostname);
      try {
        await once(socket, 'connect');
        this.socket = socket;
      } catch {
        await pause(RETRY_MS);
      }
    }
    this.socket.setNoDelay(true).on('data', (chunk: Buffer) => this.read(chunk));
    this.socket.write(encode({ cmd: 'connect', clientId: `bench-${this.options.contender}`, keepalive: 60 }));
  }

  private read(chunk: Buffer): void {
    const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    let at = 0;
    for (; at + 1 < bytes.length; this.received++) {
      const end = at + FIXED_HEADER_BYTES + bytes[at + 1]!;
      if (end > bytes.length) break;
      at = end;
    }
    this.rest = bytes.subarray(at);
    this.fill();
  }

  private fill(): void {
    const upTo = Math.min(this.packets.length, this.delivered + WINDOW);
    if (upTo <= this.sent) return;
    this.socket?.write(Buffer.concat(this.packets.slice(this.sent, upTo)));
    this.sent = upTo;
  }
}

function encode(packet: Packet): Buffer {
  return generate(packet, { protocolVersion: 5 });
}
