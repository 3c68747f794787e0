import type { LinkQuality } from '../../helpers/shaped-pipe.js';

/** Bytes carried each way. */
export interface CarriedBytes {
  readonly up: number;
  readonly down: number;
}

/** What a link can be asked to do. */
export interface LinkCalls {
  /** Starts it in front of a port; closed at first. Answers its own port. */
  open(params: { readonly targetPort: number; readonly quality: LinkQuality }): Promise<number>;
  up(): Promise<void>;
  /** Resets what is open, refuses what comes. */
  down(): Promise<void>;
  carriedBytes(): CarriedBytes;
}
