import type { ReceiverId } from '../contenders.js';

/** How somebody who receives is set up. */
export interface ReceivingOptions {
  readonly contender: ReceiverId;
  readonly brokerUrl: string;
  /** Folder of queue and inbox. */
  readonly dir: string;
}

/** What a handler does with the data of a change. */
export type Work = (data: { readonly id?: string }) => Promise<void>;

/** What a stretch of handled messages took. */
export interface ReceivingResult {
  readonly elapsedMs: number;
  readonly cpuMs: number;
}

/** What the process of a receiver can be asked to do. */
export interface ReceivingCalls {
  /**
   * Starts, and with it the flow of what waits at the broker; resolves when so many messages were handled.
   * @returns what it took from the last message of the warm-up to the last of all.
   */
  receive(params: ReceivingOptions & { readonly warmUp: number; readonly count: number }): Promise<ReceivingResult>;
  close(): Promise<void>;
}

/** The client id under which the broker keeps the messages of a receiver, and the topic filters of its session. */
export const RECEIVING_SESSIONS = {
  receiver: { clientId: 'arus_sync_shore_in', protocolVersion: 5 },
  'nest-mqtt': { clientId: 'bench-nest', protocolVersion: 4 },
} as const;
