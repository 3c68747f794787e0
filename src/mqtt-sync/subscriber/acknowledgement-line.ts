import type { Acknowledgeable, IncomingLink } from '../connection/incoming-link.js';
import { Fifo } from '../queue/fifo.js';

/** Not the whole PUBLISH: its payload need not stay in memory so long. */
interface Place extends Acknowledgeable {
  isSettled: boolean;
}

/**
 * What one connection has brought and we have not acknowledged. Messages are settled in any order; the acknowledgements go
 * out in the order of arrival [MQTT-4.6.0-2], as many as are due in one write.
 */
export class AcknowledgementLine {
  private readonly places = new Fifo<Place>();
  private flushIsDue = false;
  private isOpen = true;

  constructor(private readonly link: IncomingLink) {}

  /** Messages that are not acknowledged yet. */
  get length(): number {
    return this.places.length;
  }

  /** Gives a message its place; returns what to call when it may be acknowledged. */
  add({ qos, packetId }: Acknowledgeable): () => void {
    if (qos === 0) return () => {};
    const place: Place = { qos, packetId, isSettled: false };
    this.places.push(place);
    return () => {
      place.isSettled = true;
      this.flushSoon();
    };
  }

  /** Sends every acknowledgement that is due. */
  flush(): void {
    if (!this.isOpen) return;
    while (this.places.first?.isSettled) this.link.acknowledge(this.places.shift()!);
    this.link.flush();
  }

  /** The connection is gone; the broker sends what is left again, on another one. */
  close(): void {
    this.isOpen = false;
    this.places.drain();
  }

  /** When everything that settles in this turn of the event loop has done so. */
  private flushSoon(): void {
    if (this.flushIsDue || !this.isOpen) return;
    this.flushIsDue = true;
    setImmediate(() => {
      this.flushIsDue = false;
      this.flush();
    });
  }
}
