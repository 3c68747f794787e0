import type { Receipt } from '../../mqtt-sync/publisher/receipt.js';

/** The answer to a change that was accepted. */
export interface Accepted {
  readonly messageId: string;
  /** Its number among the changes of its entity type; absent when skipped. */
  readonly sequence?: number;
  /** Sync is off (`LOCAL_MODE=false`): nothing was stored and nothing will be sent. */
  readonly skipped?: true;
}

export function toAccepted({ messageId, sequence, skipped }: Receipt): Accepted {
  return { messageId, ...(sequence !== undefined && { sequence }), ...(skipped && { skipped }) };
}
