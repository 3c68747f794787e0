import type { ControlMessage } from '../delivery-session.js';
import type { AnswerMessage } from './answer.js';
import type { Pace } from './pace.js';

/** Messages on their way or in line for it; more would not be sent faster. */
const MAX_MESSAGES = 32;

/** What became of a message that was handed over. */
export type Outcome = Parameters<ControlMessage['settled']>[0];

interface Entry {
  readonly message: AnswerMessage;
  readonly signal: AbortSignal;
  isSent: boolean;
}

/** Sends messages in order, at a pace, over as many connections as it takes: what is lost with one is sent first on the next. */
export class OutgoingLine {
  private readonly entries: Entry[] = [];
  private isPumping = false;
  private isStopped = false;
  private whenRoom: (() => void)[] = [];

  constructor(
    private readonly pace: Pace,
    private readonly send: (control: ControlMessage) => void,
    /** Whether messages may be sent just now. */
    private readonly admits: () => boolean,
    private readonly settled: (outcome: Outcome, message: AnswerMessage) => void,
  ) {}

  /** Takes a message; resolves when there is room for the next one, or everything is over. */
  async add(message: AnswerMessage, signal: AbortSignal): Promise<void> {
    this.entries.push({ message, signal, isSent: false });
    this.wake();
    if (this.entries.length >= MAX_MESSAGES && !this.isStopped)
      await new Promise<void>((resolve) => this.whenRoom.push(resolve));
  }

  /** There may be something to send, as after a reconnect. */
  wake(): void {
    if (this.isPumping || this.isStopped) return;
    this.isPumping = true;
    void this.pump();
  }

  stop(): void {
    this.isStopped = true;
    this.entries.length = 0;
    for (const resolve of this.whenRoom.splice(0)) resolve();
  }

  private async pump(): Promise<void> {
    while (this.isSendable && this.next()) {
      await this.pace.next();
      // Which one is next may have changed meanwhile.
      const entry = this.isSendable ? this.next() : undefined;
      if (!entry) continue;
      entry.isSent = true;
      const { topic, payload } = entry.message;
      this.send({ topic, payload, retain: false, settled: (outcome) => this.settle(entry, outcome) });
    }
    this.isPumping = false;
  }

  private get isSendable(): boolean {
    return !this.isStopped && this.admits();
  }

  /** The first that is not on its way; whoever gave up waiting has none. */
  private next(): Entry | undefined {
    for (const entry of this.entries.filter(({ isSent, signal }) => !isSent && signal.aborted)) this.remove(entry);
    return this.entries.find(({ isSent }) => !isSent);
  }

  private settle(entry: Entry, outcome: Outcome): void {
    if (this.isStopped) return;
    entry.isSent = false;
    if (outcome === 'acknowledged' || outcome === 'refused') this.remove(entry);
    this.settled(outcome, entry.message);
    this.wake();
  }

  private remove(entry: Entry): void {
    this.entries.splice(this.entries.indexOf(entry), 1);
    if (this.entries.length < MAX_MESSAGES) this.whenRoom.shift()?.();
  }
}
