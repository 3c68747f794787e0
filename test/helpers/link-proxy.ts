import { connect, createServer, type Socket } from 'node:net';
import { listen } from './ports.js';
import { ShapedPipe, type LinkQuality } from './shaped-pipe.js';
import { reset } from './sockets.js';

/** Which way the bytes go: `up` from the client to the broker, `down` back. */
export type ProxyDirection = 'up' | 'down';

type Pipes = readonly [up: ShapedPipe, down: ShapedPipe];

/** A TCP proxy on 127.0.0.1 that plays the bad link between a client and its broker. */
export class LinkProxy {
  /** How each direction behaves from now on; change the fields at any time. */
  readonly quality: Record<ProxyDirection, LinkQuality> = { up: {}, down: {} };
  private readonly pairs = new Set<{ readonly sockets: readonly Socket[]; readonly pipes: Pipes }>();
  private readonly carriedBefore = { up: 0, down: 0 };
  private server = createServer({ allowHalfOpen: true }, (client) => this.join(client));
  private currentPort = 0;
  private accepted = 0;

  protected constructor(private targetPort: number) {}

  /** Starts a proxy; `stop()` ends it. */
  static async open(targetPort: number): Promise<LinkProxy> {
    return new LinkProxy(targetPort).listen();
  }

  get port(): number {
    return this.currentPort;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.currentPort}`;
  }

  /** Connections accepted since the start. */
  get connectionsAccepted(): number {
    return this.accepted;
  }

  /** Connections open now. */
  get connectionsOpen(): number {
    return this.pairs.size;
  }

  /** Bytes carried each way since the start, over all connections. */
  get carriedBytes(): Readonly<Record<ProxyDirection, number>> {
    const total = { ...this.carriedBefore };
    for (const { pipes } of this.pairs) {
      total.up += pipes[0].carriedBytes;
      total.down += pipes[1].carriedBytes;
    }
    return total;
  }

  /** Sends later connections elsewhere. */
  retarget(targetPort: number): void {
    this.targetPort = targetPort;
  }

  /** Resets every connection, as a router that lost its state would. */
  cut(): void {
    for (const { sockets } of this.pairs) for (const socket of sockets) reset(socket);
  }

  /** Nobody listens any more: connecting is refused. What is open stays open. */
  async refuse(): Promise<void> {
    const { server } = this;
    if (!server.listening) return;
    // close() calls back only when the last connection is gone; it stops listening at once.
    server.close();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Listens again, on the same port. */
  async accept(): Promise<void> {
    if (this.server.listening) return;
    this.server = createServer({ allowHalfOpen: true }, (client) => this.join(client));
    await listen(this.server, this.currentPort);
  }

  /**
   * Bytes, closes and resets of a direction get nowhere, and nobody is told: one direction is a half-open connection,
   * both are a black hole. New connections are accepted and find the same silence.
   */
  blackHole(directions: readonly ProxyDirection[] = ['up', 'down']): void {
    for (const direction of directions) this.quality[direction].isHole = true;
    this.refresh();
  }

  /** Ends a black hole; what was held arrives now. */
  heal(): void {
    for (const quality of [this.quality.up, this.quality.down]) quality.isHole = false;
    this.refresh();
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    for (const { sockets } of this.pairs) for (const socket of sockets) socket.destroy();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }

  protected async listen(): Promise<this> {
    this.currentPort = await listen(this.server);
    return this;
  }

  private refresh(): void {
    for (const { pipes } of this.pairs) for (const pipe of pipes) pipe.pump();
  }

  private join(client: Socket): void {
    this.accepted++;
    const broker = connect({ port: this.targetPort, host: '127.0.0.1', allowHalfOpen: true });
    const pipes = [
      new ShapedPipe(client, broker, this.quality.up),
      new ShapedPipe(broker, client, this.quality.down),
    ] as const;
    const pair = { sockets: [client, broker], pipes };
    this.pairs.add(pair);
    const leave = (): void => {
      if (!client.destroyed || !broker.destroyed || !this.pairs.delete(pair)) return;
      this.carriedBefore.up += pipes[0].carriedBytes;
      this.carriedBefore.down += pipes[1].carriedBytes;
    };
    client.on('close', leave);
    broker.on('close', leave);
  }
}
