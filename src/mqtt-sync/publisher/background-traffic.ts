import type { ControlMessage } from './delivery-session.js';

/** The part of the window, in bytes and in messages, that is for what has time: an urgent change waits for so much at most. */
const SHARE = 1 / 8;

/** Messages of the service that are sent only when the queue has nothing to send. */
export class BackgroundTraffic {
  private readonly waiting: ControlMessage[] = [];
  private messages = 0;
  private bytes = 0;

  add(control: ControlMessage): void {
    this.waiting.push(control);
  }

  /**
   * The next one, if there is one and room for it; one always has room.
   * @param windowBytes unacknowledged bytes that there may be of everything.
   * @param windowMessages unacknowledged messages that there may be of everything.
   */
  next(windowBytes: number, windowMessages: number): ControlMessage | undefined {
    const isFull = this.bytes >= windowBytes * SHARE || this.messages >= windowMessages * SHARE;
    if (this.messages > 0 && isFull) return undefined;
    const control = this.waiting.shift();
    if (!control) return undefined;
    const bytes = control.payload.length;
    this.messages++;
    this.bytes += bytes;
    const settled: ControlMessage['settled'] = (outcome) => {
      this.messages--;
      this.bytes -= bytes;
      control.settled(outcome);
    };
    return { ...control, settled };
  }

  /** The connection is gone: what was not sent is not going to be. */
  disconnected(): void {
    for (const { settled } of this.waiting.splice(0)) settled('not_sent');
  }
}
