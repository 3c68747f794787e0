import type { Socket } from 'node:net';
import { type TcpOptions, Transport } from '@nestjs/microservices';
import { bodyLimits } from '../http/json-body.js';
import { StrictSocket } from './strict-socket.js';

/** Nobody but this machine. */
export const TCP_HOST = '127.0.0.1';

/** Options of the TCP transport: on loopback alone, with messages no larger than over HTTP. */
export function tcpTransport(port: number, maxMessageBytes: number): TcpOptions {
  const { singleBytes } = bodyLimits(maxMessageBytes);
  return {
    transport: Transport.TCP,
    options: {
      host: TCP_HOST,
      port,
      socketClass: class extends StrictSocket {
        constructor(socket: Socket) {
          super(socket, { maxBufferSize: singleBytes });
        }
      },
    },
  };
}
