import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { adopt, end } from './children.js';

/** The embedded broker, in a process of its own. */
export class BrokerProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  static async start(): Promise<BrokerProcess> {
    const child = adopt(fork(fileURLToPath(new URL('broker.js', import.meta.url))));
    const port = await new Promise<number>((resolve, reject) => {
      child.once('message', (message) => resolve((message as { readonly port: number }).port));
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the broker ended at its start with ${code}`)));
    });
    return new BrokerProcess(child, port);
  }

  async stop(): Promise<void> {
    await end(this.child, 'SIGTERM', 2_000);
  }
}
