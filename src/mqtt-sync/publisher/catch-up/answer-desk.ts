import { type SyncLogger } from '../../logger.js';
import { AnnouncementGuard } from '../announcement-guard.js';
import { type ControlMessage } from '../delivery-session.js';
import { type AnswerMessage, answerMessages, type AnswerParts } from './answer.js';
import { type CatchUpRequest, readRequest } from './catch-up-request.js';
import { type CatchUpSources } from './catch-up-source.js';
import { Pace } from './pace.js';
import { RequestLine } from './request-line.js';

/** Messages of answers that are on their way or in line for it; more would not be sent faster. */
const MAX_OUTSTANDING = 32;
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
  private readonly guard: AnnouncementGuard;
  private isConnected = false;
  private isStopped = false;
  private refusals = 0;
  private outstanding = 0;
  private whenAdmitted: (() => void)[] = [];
  private whenSettled: (() => void)[] = [];

  constructor(private readonly parts: DeskParts) {
    const { clock, logger, maxPerSecond } = parts;
    this.line = new RequestLine(clock, (request, signal) => this.answer(request, signal));
    this.pace = new Pace(clock, maxPerSecond);
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
    if (request) this.line.add(request);
  }

  connected(): void {
    this.isConnected = true;
    this.guard.connected();
    if (this.guard.admits) for (const resolve of this.whenAdmitted.splice(0)) resolve();
  }

  disconnected(): void {
    this.isConnected = false;
  }

  /** Sends nothing any more. */
  stop(): void {
    this.isStopped = true;
    this.line.stop();
    this.pace.stop();
    for (const resolve of [...this.whenAdmitted.splice(0), ...this.whenSettled.splice(0)]) resolve();
  }

  private async answer(request: CatchUpRequest, signal: AbortSignal): Promise<void> {
    const { parts } = this;
    this.refusals = 0;
    try {
      const messages = answerMessages(request, parts, parts.sources.get(request.entity), signal);
      for await (const message of messages) {
        while (this.outstanding >= MAX_OUTSTANDING && !signal.aborted)
          await new Promise<void>((resolve) => this.whenSettled.push(resolve));
        if (signal.aborted || this.refusals >= REFUSALS_TO_GIVE_UP) return;
        void this.deliver(message, signal);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      parts.logger.error(`The answer to a request for changes of "${request.entity}" ended early: ${reason}`);
    }
  }

  /** Sends until the broker has answered, over as many connections as it takes. */
  private async deliver(message: AnswerMessage, signal: AbortSignal): Promise<void> {
    this.outstanding++;
    for (let outcome: Outcome = 'lost'; outcome === 'lost' && !signal.aborted;) {
      await this.admitted();
      await this.pace.next();
      if (signal.aborted || this.isStopped) break;
      outcome = await this.send(message);
      this.settled(outcome, message.topic);
    }
    this.outstanding--;
    this.whenSettled.shift()?.();
  }

  private send({ topic, payload }: AnswerMessage): Promise<Outcome> {
    return new Promise((settled) => this.parts.sendBehind({ topic, payload, retain: false, settled }));
  }

  private settled(outcome: Outcome, topic: string): void {
    if (outcome === 'refused' && ++this.refusals === REFUSALS_TO_GIVE_UP)
      this.parts.logger.warn(`The broker does not let this vessel send changes again on ${topic}.`);
    if (outcome === 'acknowledged') this.refusals = 0;
    this.guard.settled(outcome);
  }

  private async admitted(): Promise<void> {
    if (this.isStopped || (this.isConnected && this.guard.admits)) return;
    await new Promise<void>((resolve) => this.whenAdmitted.push(resolve));
  }
}

type Outcome = Parameters<ControlMessage['settled']>[0];
