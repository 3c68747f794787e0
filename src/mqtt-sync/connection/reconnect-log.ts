import type { SyncLogger } from '../logger.js';

/** Whether the n-th attempt of an outage is worth a line: the first 10, every 10th to 100, then every 100th. */
function isWorthALine(attempt: number): boolean {
  return attempt <= 10 || (attempt <= 100 ? attempt % 10 === 0 : attempt % 100 === 0);
}

/** A link that lives shorter is one of a series: accepted and dropped again. */
const SHORT_LIFE_MS = 30_000;

/** So many reasons of one outage are told apart; texts of the operating system or a broker may be without number. */
const MOST_REASONS = 20;

/** Tells of an outage without filling the disk: attempts thinned, each reason when it changes, those that come back thinned. */
export class ReconnectLog {
  private lastReason: string | undefined;
  private readonly knownReasons = new Set<string>();
  /** Changes to a reason that is known. */
  private returns = 0;
  /** Links in a row that lived only shortly. */
  private shortLives = 0;
  private hasFallenBack = false;
  private hasToldOfWill = false;

  constructor(
    private readonly logger: SyncLogger,
    private readonly broker: string,
  ) {}

  connected(protocol: string, sessionPresent: boolean): void {
    this.lastReason = undefined;
    this.knownReasons.clear();
    this.returns = 0;
    if (isWorthALine(this.shortLives))
      this.logger.log(`Connected to ${this.broker} (MQTT ${protocol}, session ${sessionPresent ? 'resumed' : 'new'})`);
  }

  disconnected(): void {
    this.logger.log(`Disconnected from ${this.broker}`);
  }

  /** A link that lived so long is gone; of a series of short ones only some are told. */
  lost(reason: string, livedMs: number): void {
    this.shortLives = livedMs < SHORT_LIFE_MS ? this.shortLives + 1 : 0;
    if (isWorthALine(this.shortLives)) this.logger.warn(`Lost the connection to ${this.broker}: ${reason}`);
  }

  /** The n-th attempt since the last connection begins. */
  attempt(attempt: number): void {
    if (isWorthALine(attempt)) this.logger.debug(`Reconnecting to ${this.broker}, attempt ${attempt}`);
  }

  /** The broker does not speak MQTT 5, which is no failure: 3.1.1 is tried at once. */
  fellBack(): void {
    if (this.hasFallenBack) return;
    this.hasFallenBack = true;
    this.logger.log(`${this.broker} does not speak MQTT 5: trying 3.1.1`);
  }

  /** The broker keeps no retained messages, so that it takes our will only without: that is tried at once. */
  retainsNoWill(): void {
    if (this.hasToldOfWill) return;
    this.hasToldOfWill = true;
    this.logger.warn(
      `${this.broker} keeps no retained messages: the last will goes without the retain flag, so that whoever subscribes ` +
        'later does not learn that this side is offline.',
    );
  }

  /** An attempt failed. */
  failed(reason: string): void {
    if (reason === this.lastReason) return;
    this.lastReason = reason;
    const isNew = !this.knownReasons.has(reason) && this.knownReasons.size < MOST_REASONS;
    if (isNew) this.knownReasons.add(reason);
    else if (!isWorthALine(++this.returns)) return;
    this.logger.warn(`Cannot connect to ${this.broker}, retrying until it works: ${reason}`);
  }

  /** The connections end in a way that somebody should look into. */
  suspects(suspicion: 'taken_over' | 'flapping', clientId: string, delayMs: number): void {
    if (suspicion === 'taken_over') {
      this.logger.error(
        `Another client seems to use the client id ${clientId} on ${this.broker}: the broker ended our connection. ` +
          `Give each service a vessel id of its own. Next attempt in ${Math.round(delayMs / 1000)} s.`,
      );
      return;
    }
    this.logger.error(
      `${this.broker} keeps ending our connections soon after it accepted them: it does not take our messages or ` +
        `subscriptions, or another client uses the client id ${clientId}. Reconnecting more slowly.`,
    );
  }
}
