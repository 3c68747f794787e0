/** What a handler may want to know beside the change itself: how this try came about. */
export class Circumstances {
  private controller: AbortController | undefined;
  private whenExpired: readonly ((error: Error) => void)[] | undefined;

  constructor(
    /** A newer change of the same vessel, entity type and key was handled before. */
    readonly stale: boolean,
    /** 1 for the first try. */
    readonly attempt: number,
  ) {}

  /** Aborted when the try takes too long or the process stops: nobody waits for it any more. */
  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    return this.controller.signal;
  }

  /** Calls back when the try takes too long. */
  onExpiry(expired: (error: Error) => void): void {
    this.whenExpired = [...(this.whenExpired ?? []), expired];
  }

  /** The try takes too long. */
  expire(error: Error): void {
    this.abort(error);
    for (const expired of this.whenExpired ?? []) expired(error);
  }

  /** Tells the handler that nobody waits for it any more. */
  abort(reason: Error): void {
    // Also for whoever asks for the signal only now.
    this.controller ??= new AbortController();
    this.controller.abort(reason);
  }
}
