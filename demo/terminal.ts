import { stripVTControlCharacters, styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** How often the figures are printed where no line can be redrawn. */
const PLAIN_INTERVAL_MS = 2_000;

/** Tells the story: what is said stays, the figures below it are one line that is drawn again and again. */
export class Terminal {
  private line = '';
  private lastPlainMs = -Infinity;

  constructor(private readonly out: NodeJS.WriteStream = process.stdout) {}

  /** How wide a line may be. */
  get columns(): number {
    return this.out.isTTY ? this.out.columns : Infinity;
  }

  /** Colours a text, where colours are shown. */
  style(style: Style, text: string): string {
    return styleText(style, text, { stream: this.out });
  }

  /** Prints lines above the figures. */
  say(text = ''): void {
    this.out.write(this.out.isTTY ? `\r\x1b[2K${text}\n${this.fitted()}` : `${text}\n`);
  }

  /** Prints the heading of an act. */
  title(text: string): void {
    this.say();
    this.say(this.style('bold', text));
  }

  /** Shows the newest figures. */
  figures(line: string): void {
    this.line = line;
    if (this.out.isTTY) {
      this.out.write(`\r\x1b[2K${this.fitted()}`);
      return;
    }
    const nowMs = performance.now();
    if (nowMs - this.lastPlainMs < PLAIN_INTERVAL_MS) return;
    this.lastPlainMs = nowMs;
    this.out.write(`${stripVTControlCharacters(line)}\n`);
  }

  /** Takes the figures away. */
  endFigures(): void {
    this.line = '';
    if (this.out.isTTY) this.out.write('\r\x1b[2K');
  }

  /** The figures cut to the width of the terminal: a line that wraps cannot be redrawn. */
  private fitted(): string {
    const plain = stripVTControlCharacters(this.line);
    return plain.length < this.columns ? this.line : plain.slice(0, this.columns - 1);
  }
}
