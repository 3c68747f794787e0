import { createServer } from 'node:net';
import { Aedes } from 'aedes';

// The broker on shore, in a process of its own: it tells its parent the port and ends with it.
const broker = await Aedes.createBroker();
const server = createServer((socket) => void broker.handle(socket));

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address !== 'string') process.send?.({ port: address.port });
});

process.once('disconnect', () => process.exit(0));
process.once('SIGTERM', () => process.exit(0));
// Ctrl-C reaches the whole process group; the parent decides when the broker may go.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
