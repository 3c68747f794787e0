import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../cli-error.js';
import { type ServiceClient, UnreachableError } from '../target/service-client.js';
import { readEvents, type ServerSentEvent } from './server-sent-events.js';

/** How to listen. */
export interface FeedOptions {
  /** Ends the feed. */
  readonly signal: AbortSignal;
  /** The stream ended, and why; it is opened again. */
  readonly lost: (reason: string) => void;
}

/** As the service asks of its clients. */
const RETRY_MS = 3000;
/** The service tells something every 15 s. */
const SILENCE_MS = 35_000;

/**
 * Events of a running service, for as long as nobody stops it. When the service goes away it waits for it to come back.
 * @throws {CliError} it was never there, or does not let us listen.
 */
export async function* feedOf(client: ServiceClient, options: FeedOptions): AsyncGenerator<ServerSentEvent> {
  const { signal, lost } = options;
  for (let wasThere = false; !signal.aborted;) {
    const silence = new SilenceWatch(signal);
    try {
      const stream = await client.stream('/events', silence.signal);
      wasThere = true;
      for await (const event of readEvents(stream)) {
        silence.heard();
        if (event.type === 'heartbeat') continue;
        yield event;
      }
      lost('the service ended the stream');
    } catch (error) {
      if (signal.aborted) return;
      if (!wasThere || (error instanceof CliError && !(error instanceof UnreachableError))) throw error;
      lost(silence.isOver ? 'the service has gone silent' : 'the service does not answer');
    } finally {
      silence.end();
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Aborts what is listened to when nothing was heard for too long, or the owner has enough. */
class SilenceWatch {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  isOver = false;

  constructor(private readonly owner: AbortSignal) {
    owner.addEventListener('abort', this.abort, { once: true });
    this.heard();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  heard(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.isOver = true;
      this.abort();
    }, SILENCE_MS);
  }

  end(): void {
    clearTimeout(this.timer);
    this.owner.removeEventListener('abort', this.abort);
    this.abort();
  }

  private readonly abort = (): void => this.controller.abort();
}
