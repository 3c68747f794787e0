import type {
  Acknowledgement,
  BrokerLimits,
  Link,
  LinkLoss,
  LinkObserver,
  OutgoingPublish,
} from '../../src/mqtt-sync/connection/link.js';

/** A packet that the publisher wrote on a fake link. */
export type SentPacket =
  (OutgoingPublish & { readonly kind: 'publish' }) | { readonly kind: 'pubrel'; readonly packetId: number };

const NO_LIMITS: BrokerLimits = {
  receiveMaximum: 65_535,
  maximumPacketSize: 268_435_460,
  maximumQos: 2,
  retainAvailable: true,
  topicAliasMaximum: 0,
};

/** A link whose other end is the test: it sees what is sent and acknowledges when it likes. */
export class FakeLink implements Link {
  readonly protocol: Link['protocol'];
  readonly sessionPresent: boolean;
  readonly limits: BrokerLimits;
  bufferedBytes = 0;
  isSubscribing = false;
  readonly sent: SentPacket[] = [];
  /** How often it was asked to write what was sent. */
  flushes = 0;
  private isLost = false;

  constructor(
    private readonly observer: LinkObserver,
    {
      protocol = '5',
      sessionPresent = false,
      ...limits
    }: Partial<BrokerLimits & Pick<Link, 'protocol' | 'sessionPresent'>> = {},
  ) {
    this.protocol = protocol;
    this.sessionPresent = sessionPresent;
    this.limits = { ...NO_LIMITS, ...limits };
    observer.linked(this);
  }

  /** The PUBLISH packets written so far. */
  get published(): readonly OutgoingPublish[] {
    return this.sent.flatMap((packet) => (packet.kind === 'publish' ? packet : []));
  }

  /** The payloads written so far, as text. */
  get payloads(): readonly string[] {
    return this.published.map(({ payload }) => payload.toString());
  }

  packetBytes({ topic, payload }: OutgoingPublish): number {
    return topic.length + payload.length + 8;
  }

  publish(packet: OutgoingPublish): void {
    this.sent.push({ kind: 'publish', ...packet });
  }

  release(packetId: number): void {
    this.sent.push({ kind: 'pubrel', packetId });
  }

  flush(): void {
    this.flushes++;
  }

  cut(reason: string): void {
    this.lose({ reason, by: 'local', reasonCode: undefined });
  }

  acknowledge(type: Acknowledgement['type'], packetId: number, reasonCode = 0): void {
    this.observer.acknowledged(this, { type, packetId, reasonCode });
  }

  lose(loss: LinkLoss = { reason: 'closed by the broker', by: 'peer', reasonCode: undefined }): void {
    if (this.isLost) return;
    this.isLost = true;
    this.observer.lost(this, loss);
  }
}
