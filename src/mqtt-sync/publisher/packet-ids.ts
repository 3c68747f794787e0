/** Packet ids are 16 bits wide and never 0 [MQTT-2.2.1-3]. */
const LARGEST_PACKET_ID = 65_535;
/** MQTT.js takes the lowest id that is free among its own for the SUBSCRIBE that this connection may need. */
const RESERVED = 1;

/** Hands out packet ids that no unfinished exchange of the session uses [MQTT-2.2.1-4]. */
export class PacketIds {
  private last = RESERVED;
  /** A byte for each id: thousands come and go every second. */
  private readonly used = new Uint8Array(LARGEST_PACKET_ID + 1);
  private usedCount = 0;

  /** The next free id; undefined when all are in use. */
  allocate(): number | undefined {
    if (this.usedCount >= LARGEST_PACKET_ID - RESERVED) return undefined;
    do this.last = this.last === LARGEST_PACKET_ID ? RESERVED + 1 : this.last + 1;
    while (this.used[this.last] === 1);
    this.used[this.last] = 1;
    this.usedCount++;
    return this.last;
  }

  free(packetId: number): void {
    this.usedCount -= this.used[packetId] ?? 0;
    this.used[packetId] = 0;
  }

  /** Frees every id: the broker has forgotten the session. */
  clear(): void {
    this.used.fill(0);
    this.usedCount = 0;
  }
}
