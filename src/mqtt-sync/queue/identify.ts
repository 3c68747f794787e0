import { QueueUnavailableError, QueueVesselMismatchError } from '../errors.js';
import type { SyncLogger } from '../logger.js';
import type { Clock } from '../time/clock.js';
import type { StoreContents } from './message-store.js';
import type { QueueIdentity, VesselClaim } from './sync-queue.js';

/** Whose queue it is, and whether a new life begins with that. */
export interface Identification {
  readonly identity: QueueIdentity;
  readonly isNew: boolean;
}

/**
 * Decides whose queue a store is. A default vessel id gives way to the one stored; an explicit one takes an empty queue
 * over, with a new epoch. Without a claim it is whoever's it is.
 * @throws {QueueUnavailableError} there is no claim, and nothing is stored.
 * @throws {QueueVesselMismatchError} the store holds messages of another vessel than the explicit one.
 */
export function identify(
  claim: VesselClaim | undefined,
  contents: StoreContents,
  clock: Clock,
  logger: SyncLogger,
): Identification {
  const { identity: stored, latestEpoch } = contents;
  if (!claim) {
    if (stored) return { identity: stored, isNew: false };
    throw noQueueError();
  }
  const epoch = nextEpoch(contents, clock);
  const claimed = { identity: { vesselId: claim.vesselId, epoch }, isNew: true };
  if (!stored) {
    if (latestEpoch > 0) {
      logger.warn(
        `The store that this folder had (epoch ${latestEpoch}) is gone or was set aside: a new one is begun, with epoch ${epoch}. ` +
          'What was accepted and not yet delivered is not in it.',
      );
    }
    return claimed;
  }
  if (stored.vesselId === claim.vesselId) return { identity: stored, isNew: false };
  if (!claim.isExplicit) {
    logger.warn(
      `The queue belongs to vessel "${stored.vesselId}": the default id "${claim.vesselId}" is ignored. Set the vessel id to say whose it is.`,
    );
    return { identity: stored, isNew: false };
  }
  const messages = contents.types.reduce((sum, type) => sum + type.messages, 0);
  if (messages > 0 || contents.deadLetters > 0) {
    throw new QueueVesselMismatchError(
      `The queue holds ${messages} message(s) and ${contents.deadLetters} dead letter(s) of vessel "${stored.vesselId}", ` +
        `not of "${claim.vesselId}". Deliver or discard them under the old id, or use another folder.`,
      { stored: stored.vesselId, claimed: claim.vesselId, messages, deadLetters: contents.deadLetters },
    );
  }
  const gaps = contents.gaps.size > 0 ? ' Gaps that were not yet told are discarded.' : '';
  logger.warn(`The empty queue of vessel "${stored.vesselId}" becomes that of "${claim.vesselId}".${gaps}`);
  return claimed;
}

/** An epoch that was never used here. */
export function nextEpoch({ identity, latestEpoch }: StoreContents, clock: Clock): number {
  return Math.max(Math.floor(clock.wallMs() / 1000), latestEpoch + 1, (identity?.epoch ?? 0) + 1);
}

/** Whoever wants an existing queue finds none. */
export function noQueueError(): QueueUnavailableError {
  return new QueueUnavailableError(
    'There is no queue: nothing was ever accepted here. See that it is the right folder.',
  );
}
