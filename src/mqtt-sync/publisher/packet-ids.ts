/** Packet ids are 16 bits wide and never 0 [MQTT-2.2.1-3]. */
const LARGEST_PACKET_ID = 65_535;
/** MQTT.js takes the lowest id that is free among its own for the SUBSCRIBE that this connection may need. */
const RESERVED = 1;

/** Hands out packet ids that no unfinished exchange of the session uses [MQTT-2.2.1-4]. */
export class PacketIds {
  private last = RESERVED;
  private readonly used = new Set<number>();

  /** The next free id; undefined when all are in use. */
  allocate(): number | undefined {
    if (this.used.size >= LARGEST_PACKET_ID - RESERVED) return undefined;
    do this.last = this.last === LARGEST_PACKET_ID ? RESERVED + 1 : this.last + 1;
    while (this.used.has(this.last));
    this.used.add(this.last);
    return this.last;
  }

  free(packetId: number): void {
    this.used.delete(packetId);
  }

  /** Frees every id: the broker has forgotten the session. */
  clear(): void {
    this.used.clear();
  }
}
