/** Lets packets pass one by one, until somebody closes it: then the next one waits, and with it all that follow. */
export class ReadingGate {
  private isClosed = false;
  private waiting: (() => void) | undefined;

  /** Calls back when the gate is open: at once, or when it opens. */
  pass(proceed: () => void): void {
    if (this.isClosed) this.waiting = proceed;
    else proceed();
  }

  close(): void {
    this.isClosed = true;
  }

  open(): void {
    this.isClosed = false;
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.();
  }
}
