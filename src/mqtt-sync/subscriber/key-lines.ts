import { Fifo } from '../queue/fifo.js';

/** Something to do; resolves when the next one of its key may begin. Never rejects. */
export type Task = () => Promise<void>;

/** Runs tasks of one key one after the other, those of different keys side by side. */
export class KeyLines {
  private readonly lines = new Map<string, Fifo<Task>>();

  /** Keys that have a task running or waiting. */
  get size(): number {
    return this.lines.size;
  }

  add(key: string, task: Task): void {
    const line = this.lines.get(key);
    if (line) {
      line.push(task);
      return;
    }
    const started = new Fifo<Task>();
    this.lines.set(key, started);
    void this.work(key, started, task);
  }

  private async work(key: string, line: Fifo<Task>, first: Task): Promise<void> {
    for (let task: Task | undefined = first; task; task = line.shift()) await task();
    this.lines.delete(key);
  }
}
