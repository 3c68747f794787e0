import { errorText } from '../../error-text.js';
import type { SyncLogger } from '../../logger.js';
import { AnnouncementGuard } from '../announcement-guard.js';
import type { ControlMessage, ControlOutcome } from '../delivery-session.js';
import { answerMessages, type AnswerParts } from './answer.js';
import { type CatchUpRequest, readRequest } from './catch-up-request.js';
import type { CatchUpSources } from './catch-up-source.js';
import { OutgoingLine } from './outgoing-line.js';
import { Pace } from './pace.js';
import { RequestLine } from './request-line.js';

/** A broker that refuses so many messages of an answer in a row will not take the others either. */
const REFUSALS_TO_GIVE_UP = 3;

/** What the desk works with. */
export interface DeskParts extends AnswerParts {
  readonly sources: CatchUpSources;
  /** Sends a message when the queue has nothing to send. */
  readonly sendBehind: (control: ControlMessage) => void;
  readonly logger: SyncLogger;
  readonly maxPerSecond: number;
}

/**
 * Answers requests for catch-up: one answer at a time per entity type, at a limited rate, behind everything else.
 *
 * An answer is a cursor in memory. What of it is on the way when the link goes is sent again on the next one, and the
 * cursor goes on from there; a process that stops forgets it, and whoever still misses something asks again.
 */
export class AnswerDesk {
  private readonly line: RequestLine;
  private readonly pace: Pace;
  private readonly outgoing: OutgoingLine;
  private readonly guard: AnnouncementGuard;
  private isConnected = false;
  private isStopped = false;
  private refusals = 0;

  constructor(private readonly parts: DeskParts) {
    const { clock, logger, maxPerSecond } = parts;
    this.line = new RequestLine(clock, (request, signal) => this.answer(request, signal));
    this.pace = new Pace(clock, maxPerSecond);
    this.outgoing = new OutgoingLine(
      clock,
      this.pace,
      parts.sendBehind,
      () => this.isConnected && this.guard.admits,
      (outcome, { topic }) => this.settled(outcome, topic),
    );
    this.guard = new AnnouncementGuard(clock, (connections) =>
      logger.warn(`The connection was lost ${connections} times while sending changes again; that waits.`),
    );
  }

  /** Answers that are under way. */
  get active(): number {
    return this.line.active;
  }

  /** Somebody asks; junk, and what is meant for another vessel, is ignored. */
  received(payload: Buffer): void {
    if (this.isStopped || !this.line.hasTime) return;
    const request = readRequest(payload, this.parts.identity.vesselId);
    if (!request) return;
    this.line.add(request);
    // What was held back may be tried by now.
    this.outgoing.wake();
  }

  connected(): void {
    this.isConnected = true;
    this.guard.connected();
    this.outgoing.wake();
  }

  disconnected(): void {
    this.isConnected = false;
  }

  /** Sends nothing any more. */
  stop(): void {
    this.isStopped = true;
    this.line.stop();
    this.pace.stop();
    this.outgoing.stop();
  }

  private async answer(request: CatchUpRequest, signal: AbortSignal): Promise<void> {
    const { parts } = this;
    this.refusals = 0;
    try {
      const messages = answerMessages(request, parts, parts.sources.get(request.entity), signal);
      for await (const message of messages) {
        if (signal.aborted || this.refusals >= REFUSALS_TO_GIVE_UP) return;
        await this.outgoing.add(message, signal);
      }
    } catch (error) {
      // As when the queue closes under it: nobody expects the rest.
      if (signal.aborted) return;
      parts.logger.error(`The answer to a request for changes of "${request.entity}" ended early: ${errorText(error)}`);
    }
  }

  private settled(outcome: ControlOutcome, topic: string): void {
    if (outcome === 'refused' && ++this.refusals === REFUSALS_TO_GIVE_UP)
      this.parts.logger.warn(`The broker does not let this vessel send changes again on ${topic}.`);
    if (outcome === 'acknowledged') this.refusals = 0;
    this.guard.settled(outcome);
  }
}
