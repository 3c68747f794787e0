import { StringDecoder } from 'node:string_decoder';
import { JsonSocket } from '@nestjs/microservices';
import { FrameCheck } from './frame-check.js';

/**
 * Nest's socket, which has nothing more to do with whoever sends something else than its messages. Nest itself drops what it
 * cannot read and reads on, so that any page in a browser on this machine could send an HTTP request with a change in its body.
 */
export class StrictSocket extends JsonSocket {
  private readonly check = new FrameCheck();
  private readonly decoder = new StringDecoder();
  private isRefused = false;

  protected override handleData(data: Buffer | string): void {
    if (this.isRefused) return;
    const text = typeof data === 'string' ? data : this.decoder.write(data);
    this.check.look(text);
    super.handleData(text);
  }

  protected override handleDataError(error: Error): void {
    if (this.isRefused) return;
    this.isRefused = true;
    super.handleDataError(error, { destroy: true });
  }

  /** Nest would log the whole message, with what its sender thought was between him and us. */
  protected override emitMessage(data: string): void {
    // What Nest had read before and held back while its answers were not taken.
    if (this.isRefused) return;
    try {
      super.emitMessage(data);
    } catch {
      throw new Error('A message was not JSON');
    }
  }
}
