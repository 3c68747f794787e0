import type { Stage } from './stage.js';
import type { Terminal } from './terminal.js';
import { pause, until } from './until.js';

/** How long and how loud the story is. */
export interface Script {
  readonly steadySeconds: number;
  readonly steadyPerSecond: number;
  readonly outageSeconds: number;
  readonly outagePerSecond: number;
  readonly secondOutageSeconds: number;
}

export const WHOLE_STORY: Script = {
  steadySeconds: 5,
  steadyPerSecond: 80,
  outageSeconds: 7,
  outagePerSecond: 300,
  secondOutageSeconds: 5,
};

export const SHORT_STORY: Script = {
  steadySeconds: 1.5,
  steadyPerSecond: 80,
  outageSeconds: 2.5,
  outagePerSecond: 250,
  secondOutageSeconds: 1.5,
};

/** What a machine many times slower than a laptop would need. */
const DRAIN_DEADLINE_MS = 90_000;

/** The story, act by act. Every act ends with a condition that must come true, or the demo fails. */
export class Acts {
  constructor(
    private readonly stage: Stage,
    private readonly script: Script,
    private readonly terminal: Terminal,
    private readonly signal: AbortSignal,
  ) {}

  async play(): Promise<void> {
    await this.steady();
    await this.outage();
    await this.recovery();
    await this.suddenDeath();
    await this.lastDrain();
  }

  private async steady(): Promise<void> {
    const { steadyPerSecond, steadySeconds } = this.script;
    this.terminal.title('Act 1. A quiet day at sea');
    this.terminal.say(
      `Work orders, alerts, readings, crew and maintenance: about ${steadyPerSecond} changes a second.`,
    );
    this.stage.ship.sail(steadyPerSecond);
    await pause(steadySeconds * 1000, this.signal);
    await this.until('the first changes to arrive on shore', () => this.stage.ledger.arrivedCount > 0);
  }

  private async outage(): Promise<void> {
    const { outagePerSecond, outageSeconds } = this.script;
    this.terminal.title('Act 2. The link is cut');
    this.terminal.say('Every change still gets its 202: it is on disk. The queue grows and health says degraded.');
    this.stage.link.cut();
    this.stage.ship.sail(outagePerSecond);
    await pause(outageSeconds * 1000, this.signal);
    await this.until('health to say that it is not connected', async () => {
      const health = await this.stage.service.health();
      return health?.status === 'degraded' && health.mqtt.status === 'disconnected' && health.mqtt.queuedMessages > 0;
    });
    const backlog = await this.queued();
    this.terminal.say(`${backlog} changes wait on board.`);
  }

  private async recovery(): Promise<void> {
    this.terminal.title('Act 3. The link is back');
    this.terminal.say(
      'The service finds that out by itself and drains its queue, oldest first, alerts ahead of the rest.',
    );
    this.stage.ship.sail(this.script.steadyPerSecond);
    this.stage.link.restore();
    await this.until('the backlog to drain', async () => (await this.queued()) <= this.script.steadyPerSecond);
    this.terminal.say('The backlog is on shore.');
  }

  private async suddenDeath(): Promise<void> {
    const { outagePerSecond, secondOutageSeconds, steadyPerSecond } = this.script;
    const { link, ship, service } = this.stage;
    this.terminal.title('Act 4. Another outage, and then the service is killed');
    link.cut();
    ship.sail(outagePerSecond);
    await pause(secondOutageSeconds * 1000, this.signal);
    const backlog = await this.queued();
    ship.sail(steadyPerSecond);
    link.restore();
    await this.until('half of the backlog to drain', async () => (await this.queued()) <= backlog / 2);
    const left = await this.queued();
    await service.kill();
    this.terminal.say(
      `SIGKILL, with about ${left} changes waiting and the ship still writing. No goodbye, no last write.`,
    );
    ship.sail(steadyPerSecond);
    await service.start(this.signal);
    this.terminal.say(
      `Started again on the same folder: it goes on with the ${await this.queued()} changes it still has.`,
    );
    await this.until('the rest to drain', async () => (await this.queued()) <= steadyPerSecond);
  }

  private async lastDrain(): Promise<void> {
    this.terminal.title('Act 5. In port');
    this.terminal.say('The ship stops writing; what is left goes ashore.');
    await this.stage.ship.moor();
    await this.until('the queue to be empty', async () => (await this.queued()) === 0);
    const settled = this.until('the last changes to arrive on shore', () => this.stage.ledger.isSettled);
    // What is missing then, the ledger says better.
    await settled.catch(() => this.signal.throwIfAborted());
  }

  /** As the health document has it; while nobody answers, more than any backlog. */
  private async queued(): Promise<number> {
    return (await this.stage.service.health())?.mqtt.queuedMessages ?? Infinity;
  }

  private async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    await until(what, condition, { deadlineMs: DRAIN_DEADLINE_MS, signal: this.signal });
  }
}
