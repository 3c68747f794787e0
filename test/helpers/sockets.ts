import type { Socket } from 'node:net';

/**
 * Resets a connection. One whose sending side is closed already is only destroyed: Node 20 spins for ever at its exit
 * when such a socket was to be reset.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
