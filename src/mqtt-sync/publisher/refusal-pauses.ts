import type { QueuedMessage } from '../queue/message.js';
import { fullJitterDelay } from '../time/backoff.js';
import type { CancelTimer, Clock } from '../time/clock.js';

/** Between two tries of a message that the broker refuses in passing. */
const RETRY_LIMITS = { baseMs: 1_000, capMs: 60_000 };
/** Full jitter may come out at nothing; a broker that has just refused gets at least this long. */
const SHORTEST_PAUSE_MS = 250;
/** How often a pause that is over looks whether anything of its type is left: it may have been dropped or purged meanwhile. */
const LOOK_EVERY_MS = 60_000;

/** An entity type that the broker holds back: it refuses one of its messages for now. */
export interface PausedType {
  readonly entity: string;
  /** Wall clock of the first refusal, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** MQTT reason code of the latest refusal. */
  readonly reasonCode: number;
}

interface Pause {
  readonly sinceMs: number;
  readonly reasonCode: number;
  /** The type goes on when the message at this position is through. */
  readonly untilPosition: number;
  attempt: number;
  /** Attempts at that message which its history does not know of any more. */
  forgotten: number;
  /** `waiting` for the timer, `due` for one try, or the position of the message that is being tried. */
  state: 'waiting' | 'due' | { readonly trying: number };
  cancel: CancelTimer | undefined;
}

const isTrying = ({ state }: Pause, position: number): boolean =>
  typeof state === 'object' && state.trying === position;

/**
 * Keeps the order of an entity type after a passing refusal (0x80, 0x83, 0x91, 0x97; 0x92 of a PUBREL): nothing more of the type is sent
 * until the refused message is through; it is tried again alone, with backoff, for as long as that takes. Other types go on.
 */
export class RefusalPauses {
  private readonly pauses = new Map<string, Pause>();

  constructor(
    private readonly clock: Clock,
    /** Called when a paused type may try again. */
    private readonly due: () => void,
    /** Whether messages of the type are in the queue. */
    private readonly hasMessages: (entity: string) => boolean,
    private readonly random: () => number = Math.random,
  ) {}

  /** The types that pause. */
  get view(): readonly PausedType[] {
    return [...this.pauses].map(([entity, { sinceMs, reasonCode }]) => ({ entity, sinceMs, reasonCode }));
  }

  /** Whether a message of the type may be sent now. */
  admits(entity: string): boolean {
    const pause = this.pauses.get(entity);
    return pause === undefined || pause.state === 'due';
  }

  /** The types that pause, by name. */
  get entities(): Iterable<string> {
    return this.pauses.keys();
  }

  /** Whether the type waits for a refused message to get through. */
  isPaused(entity: string): boolean {
    return this.pauses.has(entity);
  }

  /** A message is about to be sent; if its type is paused, it is the one try. */
  sending({ entity, position }: QueuedMessage): void {
    const pause = this.pauses.get(entity);
    if (pause) pause.state = { trying: position };
  }

  /** The broker refused a message in passing. */
  refused({ entity, position }: QueuedMessage, reasonCode: number): void {
    const pause = this.pauses.get(entity);
    // What was on the way when the pause began may be refused too: it waits with the first.
    if (pause && !isTrying(pause, position)) return;
    pause?.cancel?.();
    this.wait(entity, {
      sinceMs: pause?.sinceMs ?? this.clock.wallMs(),
      reasonCode,
      untilPosition: pause?.untilPosition ?? position,
      attempt: pause ? pause.attempt + 1 : 0,
      forgotten: pause?.forgotten ?? 0,
      state: 'waiting',
      cancel: undefined,
    });
  }

  /** A message that its type may wait for will be sent as if for the first time. */
  forgotten({ entity, position }: QueuedMessage, attempts: number): void {
    const pause = this.pauses.get(entity);
    if (pause?.untilPosition === position) pause.forgotten += attempts;
  }

  /** How often the message that its type waits for was sent before that; 0 for any other. */
  forgottenOf({ entity, position }: QueuedMessage): number {
    const pause = this.pauses.get(entity);
    return pause?.untilPosition === position ? pause.forgotten : 0;
  }

  /** A message is through, or will never be: the type goes on if it was the one waited for. */
  settled({ entity, position }: QueuedMessage): void {
    const pause = this.pauses.get(entity);
    if (!pause || !(isTrying(pause, position) || position === pause.untilPosition)) return;
    if (position < pause.untilPosition) {
      pause.state = 'due';
      return;
    }
    pause.cancel?.();
    this.pauses.delete(entity);
  }

  /** The connection is gone: what was being tried will be tried again on the next one. */
  disconnected(): void {
    for (const pause of this.pauses.values()) if (typeof pause.state === 'object') pause.state = 'due';
  }

  stop(): void {
    for (const pause of this.pauses.values()) pause.cancel?.();
    this.pauses.clear();
  }

  private wait(entity: string, pause: Pause): void {
    this.pauses.set(entity, pause);
    this.look(entity, pause, Math.max(SHORTEST_PAUSE_MS, fullJitterDelay(pause.attempt, RETRY_LIMITS, this.random)));
  }

  private look(entity: string, pause: Pause, delayMs: number): void {
    pause.cancel = this.clock.after(delayMs, () => {
      if (!this.hasMessages(entity)) {
        this.pauses.delete(entity);
        return;
      }
      if (pause.state === 'waiting') {
        pause.state = 'due';
        this.due();
      }
      this.look(entity, pause, LOOK_EVERY_MS);
    });
  }
}
