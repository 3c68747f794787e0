import { ChangeInvalidError } from '../errors.js';
import type { Inbox, ParkedMessage } from './inbox/inbox.js';
import type { Receiver } from './receiver.js';

/** Incoming messages that were set aside: to be looked at, handled once more, or given up. */
export class ParkedChanges {
  /** What is being handled just now, so that two calls at once handle it once. */
  private readonly underWay = new Map<number, Promise<boolean>>();

  constructor(
    private readonly inbox: Pick<Inbox, 'parked' | 'removeParked' | 'stats'>,
    private readonly receiver: Pick<Receiver, 'handleAgain'>,
  ) {}

  get count(): number {
    return this.inbox.stats().parked;
  }

  /** By position, oldest first. @param after only those with a larger position */
  list(after?: number): Iterable<ParkedMessage> {
    return this.inbox.parked(after);
  }

  find(position: number): ParkedMessage | undefined {
    for (const message of this.inbox.parked(position - 1)) {
      return message.position === position ? message : undefined;
    }
    return undefined;
  }

  /**
   * Runs the handlers once more, behind what is under way for the same key, and forgets the message when they succeed.
   * @returns `false` when there is no such message.
   * @throws {ChangeInvalidError} nobody can read or believe it.
   * @throws {NotSubscribedError} it has no handlers.
   * Whatever a handler throws. In every case the message stays parked.
   */
  retry(position: number): Promise<boolean> {
    const earlier = this.underWay.get(position);
    if (earlier) return earlier;
    const retried = this.handleAgain(position).finally(() => this.underWay.delete(position));
    this.underWay.set(position, retried);
    return retried;
  }

  /** Gives a message up for good; `false` when there is none. It counts as handled, and does not come again. */
  discard(position: number): Promise<boolean> {
    return this.inbox.removeParked(position);
  }

  private async handleAgain(position: number): Promise<boolean> {
    const message = this.find(position);
    if (!message) return false;
    if (message.reason === 'damaged') {
      throw new ChangeInvalidError('The record of this message is damaged: it cannot be handled, only discarded.');
    }
    await this.receiver.handleAgain(message);
    return this.inbox.removeParked(position);
  }
}
