import { type AddressInfo, createServer, type Server } from 'node:net';

/**
 * Below the ports that Linux gives to outgoing connections (from 32,768 on): such a connection may take a port that is let go
 * of for a moment, as by a broker that restarts or a link that is down.
 */
const LOWEST_PORT = 20_000;
const HIGHEST_PORT = 32_767;
const MOST_TRIES = 100;

/**
 * Tests run in several processes, and a port that is let go of is to stay free until it is used: each process has a slice of
 * its own, and goes through it without giving a port twice before it is at the end.
 */
const SLICES = 4;
const SLICE = Math.floor((HIGHEST_PORT - LOWEST_PORT + 1) / SLICES);
const FIRST = LOWEST_PORT + (Number(process.env['VITEST_POOL_ID'] ?? process.pid) % SLICES) * SLICE;
let next = Math.floor(Math.random() * SLICE);

/** Listens on 127.0.0.1, on any free port unless told which; resolves with the port. */
export async function listen(server: Server, port?: number): Promise<number> {
  if (port !== undefined) return listenOn(server, port);
  for (let tries = 1; ; tries++) {
    try {
      return await listenOn(server, FIRST + (next++ % SLICE));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || tries === MOST_TRIES) throw error;
    }
  }
}

/** A port on 127.0.0.1 that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listenOn(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}
