import type { Link } from './link.js';

/** MQTT 5 CONNACK, "Retain not supported" (section 3.2.2.2): what a broker says to a will that it would have to retain. */
const RETAIN_NOT_SUPPORTED = 0x9a;

/**
 * Decides whether the will of the next connection is retained. A broker that keeps no retained messages must refuse a
 * CONNECT with a retained will [MQTT-3.2.2-13], and tells that it keeps none only in a CONNACK that accepts. So it is found out by
 * the refusal, and remembered until a broker accepts us that does retain: else `online` would stay there, retained, for good.
 */
export class WillChoice {
  private retains = true;

  /** Whether the will is to be retained. */
  get isRetained(): boolean {
    return this.retains;
  }

  /**
   * The broker refused a connection with a will.
   * @returns whether to try without retaining it, at once.
   */
  refused(code: number): boolean {
    if (code !== RETAIN_NOT_SUPPORTED || !this.retains) return false;
    this.retains = false;
    return true;
  }

  /** A connection was accepted. On 3.1.1 nothing is said, so what was known stays. */
  accepted({ protocol, limits }: Pick<Link, 'protocol' | 'limits'>): void {
    if (protocol === '5' && limits.retainAvailable) this.retains = true;
  }
}
