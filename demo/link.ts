import { connect, createServer, type Server, type Socket } from 'node:net';

/** How good the link is while it is up. */
export interface LinkQuality {
  /** One way, in milliseconds. */
  readonly latencyMs: number;
  readonly bytesPerSecond: number;
}

/** As much as may be under way in one direction before the sender is held back, as in a modem. */
const BUFFER_BYTES = 64 * 1024;

/** The link between ship and shore: a TCP proxy with latency and a limited rate that can be cut and restored. */
export class Link {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private up = true;

  private constructor(
    private readonly brokerPort: number,
    private readonly quality: LinkQuality,
  ) {
    this.server = createServer((ship) => this.join(ship));
  }

  static async open(brokerPort: number, quality: LinkQuality): Promise<Link> {
    const link = new Link(brokerPort, quality);
    await new Promise<void>((resolve, reject) => {
      link.server.once('error', reject);
      link.server.listen(0, '127.0.0.1', resolve);
    });
    return link;
  }

  get port(): number {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('the link is closed');
    return address.port;
  }

  get isUp(): boolean {
    return this.up;
  }

  /** Ends every connection, with what is under way in it, and takes no new one. */
  cut(): void {
    this.up = false;
    for (const socket of this.sockets) hangUp(socket);
  }

  restore(): void {
    this.up = true;
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private join(ship: Socket): void {
    if (!this.up) {
      hangUp(ship);
      return;
    }
    const shore = connect(this.brokerPort, '127.0.0.1');
    this.carry(ship, shore);
    this.carry(shore, ship);
  }

  private carry(from: Socket, to: Socket): void {
    const { latencyMs, bytesPerSecond } = this.quality;
    let underWay = 0;
    let freeAtMs = 0;
    this.sockets.add(from);
    from.setNoDelay(true);
    from.on('error', () => undefined);
    from.once('close', () => {
      this.sockets.delete(from);
      // What was sent before still arrives.
      setTimeout(() => to.destroySoon(), Math.max(0, freeAtMs - performance.now()) + latencyMs);
    });
    from.on('data', (chunk) => {
      const nowMs = performance.now();
      freeAtMs = Math.max(nowMs, freeAtMs) + (chunk.length / bytesPerSecond) * 1000;
      underWay += chunk.length;
      if (underWay > BUFFER_BYTES) from.pause();
      setTimeout(
        () => {
          underWay -= chunk.length;
          if (from.isPaused() && underWay <= BUFFER_BYTES) from.resume();
          if (!to.destroyed) to.write(chunk);
        },
        freeAtMs - nowMs + latencyMs,
      );
    });
  }
}

/** Resets a connection, as a lost link looks to its ends sooner or later. */
function hangUp(socket: Socket): void {
  // libuv refuses to reset a socket that is shutting down, and Node then never closes it, nor ends its process.
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
