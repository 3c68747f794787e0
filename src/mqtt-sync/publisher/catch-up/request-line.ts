import type { CancelTimer, Clock } from '../../time/clock.js';
import type { CatchUpRequest } from './catch-up-request.js';

/** Requests that wait for their turn; whoever finds no place asks again. */
const MAX_WAITING = 64;
/** Answers under way at a time. They share one pace, so that more would only take longer each. */
const MAX_ACTIVE = 4;
/** Between two answers to the same requester for the same entity type. */
const INTERVAL_MS = 1000;
/** Requests looked at in a second, so that a flood of them does not cost the process its time. */
const MAX_PER_SECOND = 50;

interface Turn {
  readonly request: CatchUpRequest;
  readonly abort: AbortController;
}

/**
 * Whose turn it is: one answer at a time per entity type. A new request of the same requester for the same entity type
 * takes the place of the old one, waiting or under way: it knows better what is missing.
 */
export class RequestLine {
  private waiting: CatchUpRequest[] = [];
  private readonly turns = new Map<string, Turn>();
  /** When the last answer to a requester for an entity type began. */
  private readonly begun = new Map<string, number>();
  private cancelWake: CancelTimer | undefined;
  private secondBeganMs = -Infinity;
  private inSecond = 0;
  private isStopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly answer: (request: CatchUpRequest, signal: AbortSignal) => Promise<void>,
  ) {}

  get active(): number {
    return this.turns.size;
  }

  /** Whether another request may be looked at in this second. */
  get hasTime(): boolean {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.secondBeganMs >= 1000) {
      this.secondBeganMs = nowMs;
      this.inSecond = 0;
    }
    return ++this.inSecond <= MAX_PER_SECOND;
  }

  add(request: CatchUpRequest): void {
    const same = idOf(request);
    const turn = this.turns.get(request.entity);
    // The same request again, as after a reconnect of the broker's side.
    if (turn?.request.id === request.id) return;
    if (turn && idOf(turn.request) === same) turn.abort.abort();
    const at = this.waiting.findIndex((other) => idOf(other) === same);
    if (at >= 0) this.waiting[at] = request;
    else if (this.waiting.length < MAX_WAITING) this.waiting.push(request);
    this.next();
  }

  stop(): void {
    this.isStopped = true;
    this.cancelWake?.();
    this.waiting = [];
    for (const { abort } of this.turns.values()) abort.abort();
  }

  private next(): void {
    this.cancelWake?.();
    this.cancelWake = undefined;
    if (this.isStopped) return;
    const nowMs = this.clock.monotonicMs();
    for (const [id, atMs] of this.begun) if (nowMs - atMs >= INTERVAL_MS) this.begun.delete(id);
    for (const request of [...this.waiting]) {
      if (this.turns.size >= MAX_ACTIVE) return;
      if (this.turns.has(request.entity) || this.begun.has(idOf(request))) continue;
      this.waiting.splice(this.waiting.indexOf(request), 1);
      void this.begin(request);
    }
    if (this.waiting.length > 0 && this.begun.size > 0)
      this.cancelWake = this.clock.after(INTERVAL_MS, () => this.next());
  }

  private async begin(request: CatchUpRequest): Promise<void> {
    const turn = { request, abort: new AbortController() };
    this.turns.set(request.entity, turn);
    this.begun.set(idOf(request), this.clock.monotonicMs());
    await this.answer(request, turn.abort.signal);
    this.turns.delete(request.entity);
    this.next();
  }
}

const idOf = ({ requester, entity }: CatchUpRequest): string => `${requester} ${entity}`;
