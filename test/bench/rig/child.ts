import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Message } from './rpc.js';

/** Methods with their parameters and results. */
type CallMap<Calls> = { [Name in keyof Calls]: (params: never) => unknown };

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A process of its own that is called like an object. */
export class Child<Calls extends CallMap<Calls>> {
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (message: Message) => this.receive(message));
    child.on('exit', (code, signal) => this.fail(new Error(`A child process ended with ${code ?? signal}.`)));
  }

  /**
   * Starts a program of this folder and waits until it can be called.
   * @param execArgv options of Node, e.g. `--cpu-prof`.
   */
  static async start<Calls extends CallMap<Calls>>(
    program: string,
    args: readonly string[] = [],
    execArgv: readonly string[] = [],
  ): Promise<Child<Calls>> {
    const path = fileURLToPath(new URL(`../${program}`, import.meta.url));
    const child = new Child<Calls>(
      fork(path, args, { execArgv: [...execArgv], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
    );
    await new Promise<unknown>((resolve, reject) => child.waiting.set(0, { resolve, reject }));
    return child;
  }

  get pid(): number {
    return this.child.pid!;
  }

  call<Name extends keyof Calls & string>(
    method: Name,
    params?: Parameters<Calls[Name]>[0],
  ): Promise<Awaited<ReturnType<Calls[Name]>>> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.child.send({ id, method, params } satisfies Message, (error) => {
        if (error) reject(error);
      });
    });
  }

  /** Ends it at once. */
  async end(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exit();
  }

  /** Resolves when it has exited. */
  async exit(): Promise<void> {
    const { child } = this;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  private receive({ id, result, error }: Message): void {
    const call = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(error));
  }

  private fail(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
