import type { Stage } from './stage.js';
import type { Terminal } from './terminal.js';

const INTERVAL_MS = 250;
const STATE_WIDTH = 'degraded'.length;
/** What all columns but the bar take. */
const REST_WIDTH = 95;

/** Reads the health document four times a second and shows it beside what ship and shore have counted. */
export class Figures {
  private timer: NodeJS.Timeout | undefined;
  private readonly startedMs = performance.now();
  private isAsking = false;

  constructor(
    private readonly stage: Stage,
    private readonly terminal: Terminal,
    /** A queue of this length fills the bar. */
    private readonly fullBar: number,
  ) {}

  start(): void {
    this.timer = setInterval(() => void this.draw(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.terminal.endFigures();
  }

  private async draw(): Promise<void> {
    if (this.isAsking) return;
    this.isAsking = true;
    const health = await this.stage.service.health();
    this.isAsking = false;
    if (this.timer === undefined) return;
    const { ledger, link } = this.stage;
    const queued = health?.mqtt.queuedMessages;
    const seconds = ((performance.now() - this.startedMs) / 1000).toFixed(1).padStart(5);
    const columns = [
      `${seconds} s`,
      link.isUp ? this.terminal.style('green', 'link up  ') : this.terminal.style('red', 'link DOWN'),
      health ? this.stateOf(health.status) : this.terminal.style('red', 'DOWN'.padEnd(STATE_WIDTH)),
      `accepted ${count(ledger.acceptedCount)}`,
      `queue ${queued === undefined ? '?'.padStart(5) : count(queued)} ${this.bar(queued ?? 0)}`,
      `on shore ${count(ledger.arrivedCount)}`,
      `repeats removed ${ledger.duplicateCount}`,
    ];
    this.terminal.figures(columns.join('  '));
  }

  private stateOf(status: 'healthy' | 'degraded'): string {
    return this.terminal.style(status === 'healthy' ? 'green' : 'yellow', status.padEnd(STATE_WIDTH));
  }

  private bar(queued: number): string {
    const width = Math.min(20, Math.max(5, this.terminal.columns - REST_WIDTH));
    const filled = Math.min(width, Math.ceil((queued / this.fullBar) * width));
    return '▇'.repeat(filled) + '·'.repeat(width - filled);
  }
}

function count(value: number): string {
  return value.toLocaleString('en').padStart(5);
}
