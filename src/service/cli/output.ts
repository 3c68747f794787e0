import type { Writable } from 'node:stream';
import { type ExitCode, nameOfExit } from './exit-codes.js';

/** Colours of words that want to be seen. */
export type Colour = 'green' | 'yellow' | 'red' | 'dim';

const CODES: Readonly<Record<Colour, string>> = { green: '32', yellow: '33', red: '31', dim: '2' };

type Stream = Writable & { readonly isTTY?: boolean; hasColors?(env?: object): boolean };

/** Where a command writes: results to standard output, everything else to standard error. */
export class Output {
  private closed = false;
  private fault: NodeJS.ErrnoException | undefined;
  private written: Promise<void> = Promise.resolve();
  private isJson = false;

  constructor(
    private readonly stdout: Stream,
    private readonly stderr: Stream,
    private readonly env: NodeJS.ProcessEnv,
  ) {
    stdout.on('error', (error) => this.end(error));
    stderr.on('error', () => {});
  }

  /** From now on what goes to standard error is for programs: a JSON document a line. */
  speakJson(): void {
    this.isJson = true;
  }

  /** Nobody reads what is written any more. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** Whether a person sees standard error as it is written. */
  get isWatched(): boolean {
    return this.stderr.isTTY === true;
  }

  /** Writes a line of the result; waits until it is written, while whoever reads is slower, too. */
  line(text: string): Promise<void> {
    if (this.closed) return Promise.resolve();
    this.written = new Promise((resolve) =>
      this.stdout.write(`${text}\n`, (error) => {
        if (error) this.end(error);
        resolve();
      }),
    );
    return this.written;
  }

  /** Why the result could not be written, once all of it has been; undefined where it was, or its reader wanted no more. */
  async failure(): Promise<string | undefined> {
    await this.written;
    return this.fault && `The result cannot be written: ${this.fault.message}.`;
  }

  /** Writes a JSON document as the result. */
  document(value: unknown): Promise<void> {
    return this.line(JSON.stringify(value, undefined, 2));
  }

  /** Writes a line of JSON as a part of the result. */
  jsonLine(value: unknown): Promise<void> {
    return this.line(JSON.stringify(value));
  }

  /** Tells the person something that is not the result. */
  note(text: string): void {
    this.say(text, { note: text });
  }

  /** Tells why the command could not go on. */
  error(text: string, exitCode: ExitCode): void {
    this.say(text, { error: { code: nameOfExit(exitCode), exitCode, message: text } });
  }

  /** Draws on the terminal: no line of its own. */
  draw(text: string): void {
    this.stderr.write(text);
  }

  /** A word of the result in colour, where it is a terminal that has colours; NO_COLOR turns them off. */
  paint(text: string, colour: Colour): string {
    const hasColours = this.stdout.isTTY === true && (this.stdout.hasColors?.(this.env) ?? false);
    return hasColours ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text;
  }

  /**
   * Whoever reads has seen enough, as `head` has: no reason to fail, nor to leave a purge half done. A disk that is full is one.
   * What follows the first error only follows from it.
   */
  private end(error: NodeJS.ErrnoException): void {
    if (this.closed) return;
    this.closed = true;
    if (error.code !== 'EPIPE') this.fault = error;
  }

  private say(text: string, document: object): void {
    this.stderr.write(`${this.isJson ? JSON.stringify(document) : text}\n`);
  }
}
