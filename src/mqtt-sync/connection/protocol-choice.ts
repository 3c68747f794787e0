import type { MqttProtocol } from './connection-options.js';

/** Old brokers close on a version they do not know; so do broken proxies, hence a few tries before doubting it. */
const SILENT_CLOSES_BEFORE_ALTERNATING = 5;

/** Decides which MQTT version the next attempt speaks. With `auto` every outage begins with 5. */
export class ProtocolChoice {
  private next: MqttProtocol;
  private silentCloses = 0;

  constructor(private readonly configured: MqttProtocol | 'auto') {
    this.next = configured === 'auto' ? '5' : configured;
  }

  get current(): MqttProtocol {
    return this.next;
  }

  /** A connection was accepted: the next outage starts afresh. */
  accepted(): void {
    this.silentCloses = 0;
    if (this.configured === 'auto') this.next = '5';
  }

  /**
   * The broker does not speak the version of the last attempt.
   * @returns whether to try the other one at once.
   */
  unsupported(): boolean {
    this.silentCloses = 0;
    if (this.configured !== 'auto') return false;
    const fallsBack = this.next === '5';
    this.next = fallsBack ? '3.1.1' : '5';
    return fallsBack;
  }

  /** The broker hung up without a CONNACK. */
  closedWithoutAWord(): void {
    if (this.configured !== 'auto') return;
    this.silentCloses++;
    if (this.silentCloses >= SILENT_CLOSES_BEFORE_ALTERNATING) this.next = this.next === '5' ? '3.1.1' : '5';
  }

  /** The attempt failed in another way. */
  failed(): void {
    this.silentCloses = 0;
  }
}
