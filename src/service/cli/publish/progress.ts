import { formatBytes, formatDuration, formatNumber } from '../format.js';
import type { Output } from '../output.js';

/** How far it is. */
export interface Advance {
  readonly accepted: number;
  readonly bad: number;
  /** Bytes of the input that are done. */
  readonly bytes: number;
}

const DRAW_INTERVAL_MS = 100;
/** Into a log there is a line now and then. */
const LINE_INTERVAL_MS = 10_000;
const BAR_WIDTH = 24;
const CLEAR_LINE = '\r\x1b[K';

/** Shows how far it is: a bar on a terminal, plain lines elsewhere. */
export class Progress {
  private advance: Advance = { accepted: 0, bad: 0, bytes: 0 };
  private waitsFor: string | undefined;
  private lastShownMs: number;
  private readonly beganMs: number;
  private isDrawn = false;

  /** @param totalBytes undefined: nobody knows. */
  constructor(
    private readonly output: Output,
    private readonly totalBytes: number | undefined,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.beganMs = nowMs();
    this.lastShownMs = this.beganMs;
  }

  update(advance: Advance): void {
    this.advance = advance;
    this.show();
  }

  /** It waits, and why; undefined: it goes on. */
  wait(reason: string | undefined): void {
    if (this.waitsFor === reason) return;
    this.waitsFor = reason;
    if (this.output.isWatched) this.draw();
    else if (reason !== undefined) this.output.note(`Waiting: ${reason}`);
  }

  /** Writes a line beside the bar. */
  note(text: string): void {
    this.clear();
    this.output.note(text);
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.isDrawn) this.output.draw(CLEAR_LINE);
    this.isDrawn = false;
  }

  private show(): void {
    const interval = this.output.isWatched ? DRAW_INTERVAL_MS : LINE_INTERVAL_MS;
    if (this.nowMs() - this.lastShownMs < interval) return;
    this.lastShownMs = this.nowMs();
    if (this.output.isWatched) this.draw();
    else this.output.note(this.text());
  }

  private draw(): void {
    const { totalBytes, advance, waitsFor } = this;
    const waits = waitsFor === undefined ? '' : '  waiting';
    this.output.draw(`${CLEAR_LINE}${totalBytes ? `${bar(advance.bytes / totalBytes)} ` : ''}${this.text()}${waits}`);
    this.isDrawn = true;
  }

  private text(): string {
    const { accepted, bad, bytes } = this.advance;
    const seconds = Math.max(0.001, (this.nowMs() - this.beganMs) / 1000);
    const of = this.totalBytes === undefined ? '' : ` of ${formatBytes(this.totalBytes)}`;
    const left =
      this.totalBytes === undefined || bytes === 0
        ? ''
        : `, ${formatDuration(((this.totalBytes - bytes) / bytes) * seconds)} left`;
    const wrong = bad > 0 ? `, ${formatNumber(bad)} bad` : '';
    const rate = formatNumber(Math.round(accepted / seconds));
    return `${formatNumber(accepted)} accepted${wrong}, ${formatBytes(bytes)}${of}, ${rate}/s${left}`;
  }
}

function bar(part: number): string {
  const filled = Math.round(Math.min(1, part) * BAR_WIDTH);
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${String(Math.floor(Math.min(1, part) * 100)).padStart(3)} %`;
}
