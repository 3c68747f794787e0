import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Where the service will listen. */
export interface ListeningPlace {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
}

/**
 * Listens for a moment where the service is going to listen, and answers nobody. A second copy that cannot listen must find
 * that out before it connects: with the client id of the first it would throw that one off the broker.
 * @throws as the service itself would, that it cannot listen.
 */
export async function assertCanListen(places: readonly ListeningPlace[]): Promise<void> {
  const servers: Server[] = [];
  try {
    for (const { host, port } of places) {
      const server = createServer((socket) => socket.destroy());
      server.listen(port, host);
      await once(server, 'listening');
      // Kept until all of them listen, so that two of the same port are found, too.
      servers.push(server);
    }
  } finally {
    await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  }
}
