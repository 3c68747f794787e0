import { v7 as uuidv7 } from 'uuid';
import type { Line } from './lines.js';

/** A line that may be a change; what its fields may be is for the service to say. */
export interface PreparedChange {
  readonly line: number;
  /** Its JSON, with a message id. */
  readonly json: string;
}

/** A line that is none. */
export interface BadLine {
  readonly line: number;
  readonly reason: string;
}

/**
 * Makes a change of a line. One without a message id gets one now, so that it can be posted again when an answer got lost
 * and is accepted once all the same.
 */
export function prepareChange({ number, text, problem }: Line): PreparedChange | BadLine {
  if (text === undefined) return { line: number, reason: problem ?? 'it cannot be read' };
  try {
    const change = JSON.parse(text) as unknown;
    if (typeof change !== 'object' || change === null || Array.isArray(change)) {
      return { line: number, reason: 'it is not an object: one change a line' };
    }
    const hasId = 'messageId' in change && change.messageId !== null;
    return { line: number, json: JSON.stringify(hasId ? change : { ...change, messageId: uuidv7() }) };
  } catch (error) {
    // Node quotes what it found, which may be anybody's data.
    const { message } = error as Error;
    return { line: number, reason: `it is not JSON: ${message.replace(/, (\.\.\.)?"[^]*$/, '')}` };
  }
}
