import { createServer } from 'node:http';
import { connect } from 'node:net';
import { pipeline } from 'node:stream';
import { onTestFinished } from 'vitest';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { listen } from './ports.js';
import { reset } from './sockets.js';

/**
 * Puts a broker that speaks TCP only behind a WebSocket (MQTT 5, section 6); many builds of Mosquitto lack them. Ends
 * with the test.
 */
export async function bridgeWebSocket(targetPort: number): Promise<string> {
  const server = createServer();
  const sockets = new WebSocketServer({ server, handleProtocols: (offered) => offered.has('mqtt') && 'mqtt' });
  sockets.on('connection', (socket, request) => {
    const stream = createWebSocketStream(socket);
    const broker = connect(targetPort, '127.0.0.1');
    // Before the pipelines, which close politely whatever happened.
    broker.on('error', () => reset(request.socket));
    pipeline(stream, broker, () => socket.terminate());
    pipeline(broker, stream, () => socket.terminate());
  });
  const port = await listen(server);
  onTestFinished(async () => {
    for (const socket of sockets.clients) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
  return `ws://127.0.0.1:${port}/mqtt`;
}
