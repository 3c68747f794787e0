import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { within } from '../../helpers/wait.js';

/** Opens a connection; errors of it are part of the game. */
export function dial(port: number): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/**
 * Writes bytes as they are, and resolves with all that comes until the other side closes.
 * @param isAll says that no more come; for requests that promise more than they bring, for which the service would wait.
 */
export async function exchange(port: number, bytes: Buffer, isAll = false): Promise<string> {
  const socket = dial(port).setEncoding('latin1');
  let answer = '';
  socket.on('data', (text: string) => (answer += text));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  if (isAll) socket.end(bytes);
  else socket.write(bytes);
  await within(closed, { deadlineMs: 30_000, what: `the answer to ${bytes.toString('latin1').slice(0, 300)}` });
  return answer;
}

/** Status of the first answer; undefined: there was none. */
export function statusOf(answer: string): number | undefined {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1];
  return status === undefined ? undefined : Number(status);
}
