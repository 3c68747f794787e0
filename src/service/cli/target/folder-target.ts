import type { SyncLogger } from '../../../mqtt-sync/logger.js';
import { DiskQueue } from '../../../mqtt-sync/queue/disk-queue.js';
import { beginNewEpoch, type NewEpoch } from '../../../mqtt-sync/queue/new-epoch.js';
import type { DeadLetter, MessageSelection, QueueIdentity } from '../../../mqtt-sync/queue/sync-queue.js';
import { systemClock } from '../../../mqtt-sync/time/clock.js';
import { LANES, type Lane } from '../../../mqtt-sync/wire/lanes.js';
import type { DeadLetterView, DeadLetterWithPayload } from '../../dead-letters/dead-letter-view.js';
import type { Accepted } from '../../ingress/accepted.js';
import type { AgedLane } from '../../operator/queue-document.js';
import { shownRanges, toLaneView, withAge } from '../../operator/queue-numbers.js';
import { itemAt } from '../../queue/looking.js';
import {
  type MessageView,
  type MessageWithPayload,
  toMessageView,
  toMessageWithPayload,
} from '../../queue/message-view.js';
import type { Purged } from '../../queue/messages.controller.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { enterFolder } from './enter-folder.js';
import type { QueueTarget, StoppedQueueDocument } from './queue-target.js';

/**
 * The limits are those of the service, which this is not: nothing may be dropped, discarded or pruned here because somebody
 * looks.
 */
const NO_LIMITS = {
  maxMessages: Number.MAX_SAFE_INTEGER,
  maxBytes: Number.MAX_SAFE_INTEGER,
  maxDeadLetters: Number.MAX_SAFE_INTEGER,
  overflowPolicy: 'reject',
  journal: { maxAgeS: Number.MAX_SAFE_INTEGER, maxBytes: Number.MAX_SAFE_INTEGER },
} as const;

/** The queue in the folder of a stopped service. */
export class FolderTarget implements QueueTarget {
  private constructor(
    readonly name: string,
    private readonly queue: DiskQueue,
    private readonly identity: QueueIdentity,
  ) {}

  /**
   * Opens the folder as the service would; what that finds wrong goes to `warn`.
   * @throws {CliError} there is no queue, or it is another user's.
   * @throws {QueueLockedError} a process has it open.
   */
  static async open(dir: string, warn: (text: string) => void): Promise<FolderTarget> {
    return FolderTarget.at(await enterFolder(dir), dir, warn);
  }

  /** Opens a folder that was entered. */
  static async at(path: string, dir: string, warn: (text: string) => void): Promise<FolderTarget> {
    const logger = new OpeningLogger(warn);
    const queue = new DiskQueue({ ...NO_LIMITS, dir: path }, systemClock, logger);
    const identity = await queue.open(undefined).catch((error: unknown) => {
      throw explainLock(error, dir);
    });
    logger.isOpen = true;
    return new FolderTarget(dir, queue, identity);
  }

  summary(): Promise<StoppedQueueDocument> {
    const { deadLetters, storesAside, lanes, untoldGaps, ...waiting } = this.queue.stats();
    const nowMs = systemClock.wallMs();
    const aged = LANES.map((lane) => [lane, withAge(toLaneView(lanes[lane]), nowMs)]);
    return Promise.resolve({
      state: 'stopped',
      timestamp: new Date(nowMs).toISOString(),
      service: this.identity,
      queue: {
        ...withAge(toLaneView(waiting), nowMs),
        ...{ deadLetters, storesAside, durable: true },
        lanes: Object.fromEntries(aged) as Record<Lane, AgedLane>,
      },
      gaps: { untold: untoldGaps, ranges: shownRanges(this.queue.gaps()) },
    });
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous, the store is not
  async *messages(query: MessageSelection): AsyncIterable<MessageView> {
    for (const message of this.queue.messages(query)) yield toMessageView(message);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- likewise
  async *messagesWithPayload(query: MessageSelection): AsyncIterable<MessageWithPayload> {
    for (const message of this.queue.messages(query)) yield toMessageWithPayload(message);
  }

  message(position: number): Promise<MessageWithPayload> {
    const message = itemAt((after) => this.queue.messages({ after }), position);
    if (message) return Promise.resolve(toMessageWithPayload(message));
    return Promise.reject(new CliError(`There is no message ${position} in the queue.`, EXIT.notFound));
  }

  async purge(entity: string | undefined): Promise<Purged> {
    const purged = await this.queue.purge({ entity });
    return { purged, remaining: this.queue.stats().messages };
  }

  async *deadLetters(): AsyncIterable<DeadLetterView> {
    const { toView } = await loadLetterView();
    for (const letter of this.queue.deadLetters()) yield toView(letter);
  }

  async deadLetter(position: number): Promise<DeadLetterWithPayload> {
    const { toViewWithPayload } = await loadLetterView();
    return toViewWithPayload(await this.find(position));
  }

  async retry(position: number): Promise<Accepted> {
    const { message, sequence } = await this.find(position);
    if (!message || !(await this.queue.retryDeadLetter(position))) {
      throw new CliError(
        `The record of dead letter ${position} is damaged: it cannot be sent again, only discarded.`,
        EXIT.failed,
      );
    }
    return { messageId: message.messageId, sequence };
  }

  async discard(position: number): Promise<void> {
    if (!(await this.queue.discardDeadLetter(position))) throw noDeadLetter(position);
  }

  close(): Promise<void> {
    return this.queue.close();
  }

  private find(position: number): Promise<DeadLetter> {
    const letter = itemAt((after) => this.queue.deadLetters(after), position);
    return letter ? Promise.resolve(letter) : Promise.reject(noDeadLetter(position));
  }
}

/**
 * Gives the queue in a folder a new epoch.
 * @param ask is shown what is in it, and throws when nothing is to be done.
 * @throws {CliError} there is no queue, or it is another user's.
 * @throws {QueueLockedError} a process has it open.
 */
export async function renewFolder(
  dir: string,
  warn: (text: string) => void,
  ask?: (summary: StoppedQueueDocument) => Promise<void>,
): Promise<NewEpoch> {
  const path = await enterFolder(dir);
  if (ask) {
    const target = await FolderTarget.at(path, dir, warn);
    await ask(await target.summary().finally(() => target.close()));
  }
  return beginNewEpoch(path, systemClock, new OpeningLogger(warn)).catch((error: unknown) => {
    throw explainLock(error, dir);
  });
}

/** Loaded late: the names of reason codes are those of MQTT.js, which takes its time, and most commands do without. */
const loadLetterView = () => import('../../dead-letters/dead-letter-view.js');

/** What is found when a folder is opened is told; what the queue says of the command itself, the command says. */
class OpeningLogger implements SyncLogger {
  isOpen = false;

  constructor(private readonly tell: (text: string) => void) {}

  debug(): void {}
  log(): void {}

  warn(text: string): void {
    if (!this.isOpen) this.tell(text);
  }

  error(text: string): void {
    this.tell(text);
  }
}

function explainLock(error: unknown, dir: string): unknown {
  const { code, details } = error as { code?: unknown; details?: { pid?: unknown } };
  if (code !== 'QUEUE_LOCKED') return error;
  const who = typeof details?.pid === 'number' ? `process ${details.pid}` : 'another process';
  return new CliError(
    `The queue in ${dir} is open in ${who}. Work on the running service with --url, or stop it first.`,
    EXIT.locked,
    { cause: error },
  );
}

function noDeadLetter(position: number): CliError {
  return new CliError(`There is no dead letter ${position}.`, EXIT.notFound);
}
