import { backoffCeiling } from '../../time/backoff.js';
import type { CancelTimer, Clock } from '../../time/clock.js';
import type { ControlMessage, ControlOutcome } from '../delivery-session.js';
import type { AnswerMessage } from './answer.js';
import type { Pace } from './pace.js';

/** Messages on their way or in line for it; more would not be sent faster. */
const MAX_MESSAGES = 32;

/** How long nothing is sent after a passing refusal, twice as long after each further one. */
const PAUSE = { baseMs: 1_000, capMs: 60_000 };
/** In a row, about two minutes: whoever asked has given up waiting, and others wait behind it. */
const PASSING_REFUSALS_TO_GIVE_UP = 8;

interface Entry {
  readonly message: AnswerMessage;
  readonly signal: AbortSignal;
  isSent: boolean;
}

/**
 * Sends messages in order, at a pace, over as many connections as it takes: what is lost with one is sent first on the next.
 * What the broker refuses in passing is sent again after a pause, and counts as refused when it goes on like that.
 */
export class OutgoingLine {
  private readonly entries: Entry[] = [];
  private isPumping = false;
  private isStopped = false;
  private whenRoom: (() => void)[] = [];
  private passingRefusals = 0;
  private cancelPause: CancelTimer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly pace: Pace,
    private readonly send: (control: ControlMessage) => void,
    /** Whether messages may be sent just now. */
    private readonly admits: () => boolean,
    private readonly settled: (outcome: ControlOutcome, message: AnswerMessage) => void,
  ) {}

  /** Takes a message; resolves when there is room for the next one, or everything is over. */
  async add(message: AnswerMessage, signal: AbortSignal): Promise<void> {
    // What was given up says nothing of what comes after it.
    if (this.entries.length === 0) this.passingRefusals = 0;
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
    this.cancelPause?.();
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
    return !this.isStopped && !this.cancelPause && this.admits();
  }

  /** The first that is not on its way; whoever gave up waiting has none. */
  private next(): Entry | undefined {
    for (const entry of this.entries.filter(({ isSent, signal }) => !isSent && signal.aborted)) this.remove(entry);
    return this.entries.find(({ isSent }) => !isSent);
  }

  private settle(entry: Entry, answer: ControlOutcome): void {
    if (this.isStopped) return;
    entry.isSent = false;
    if (answer === 'acknowledged') this.passingRefusals = 0;
    const isInPassing = answer === 'refused_in_passing';
    if (isInPassing) this.pause();
    const outcome = isInPassing && this.passingRefusals >= PASSING_REFUSALS_TO_GIVE_UP ? 'refused' : answer;
    if (outcome === 'acknowledged' || outcome === 'refused') this.remove(entry);
    this.settled(outcome, entry.message);
    this.wake();
  }

  /** What else was on the way may be refused as well: that is one refusal. */
  private pause(): void {
    this.cancelPause ??= this.clock.after(backoffCeiling(this.passingRefusals++, PAUSE), () => {
      this.cancelPause = undefined;
      this.wake();
    });
  }

  private remove(entry: Entry): void {
    this.entries.splice(this.entries.indexOf(entry), 1);
    if (this.entries.length < MAX_MESSAGES) this.whenRoom.shift()?.();
  }
}
