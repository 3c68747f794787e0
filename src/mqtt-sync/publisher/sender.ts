import type { Link, OutgoingPublish } from '../connection/link.js';
import type { SyncLogger } from '../logger.js';
import type { QueuedMessage } from '../queue/message.js';
import type { AcknowledgementTimer } from './acknowledgement-timer.js';
import type { BrokerFit } from './broker-fit.js';
import type { ControlMessage, DeliverySession } from './delivery-session.js';
import type { RefusalPauses } from './refusal-pauses.js';
import type { Settlement } from './settlement.js';
import type { Window } from './window.js';

/** What sending changes. */
export interface SenderParts {
  readonly session: DeliverySession;
  readonly window: Window;
  readonly timer: Pick<AcknowledgementTimer, 'sentQos0'>;
  readonly fit: BrokerFit;
  readonly pauses: RefusalPauses;
  readonly settlement: Settlement;
  readonly logger: SyncLogger;
}

/** Makes PUBLISH packets of messages, and notes what is on the way. */
export class Sender {
  constructor(private readonly parts: SenderParts) {}

  /** Sends a message, for the first time or again, or has it set aside; false when it has to wait for a packet id. */
  send(link: Link, message: QueuedMessage): boolean {
    const { session, window, fit, pauses, settlement } = this.parts;
    const { topic, payload } = message;
    const history = session.takeOut(message);
    const resumes = history.packetId !== undefined;
    const wasReleased = resumes && history.phase === 'released';
    const { qos: fitting, retain } = fit.adapt(message, resumes ? history.qos : undefined);
    // An exchange that waits for PUBCOMP is one of QoS 2, whatever the broker takes by now.
    const qos = wasReleased ? 2 : fitting;
    const packetId = qos === 0 ? 0 : (history.packetId ?? session.allocate());
    if (packetId === undefined) {
      settlement.takeBack(message);
      return false;
    }
    const packet = { topic, payload, qos, retain, dup: resumes, packetId };
    const bytes = link.packetBytes(packet);
    // Of a released one only the PUBREL goes out.
    if (!wasReleased && bytes > link.limits.maximumPacketSize) {
      // An id that the broker's session knows stays taken as long as the session.
      if (!resumes) session.giveBack(packetId);
      settlement.unsendable(message, 'too_large_for_broker');
      return true;
    }
    pauses.sending(message);
    // A QoS 2 exchange that is resumed is not a duplicate: the packet id tells the broker (MQTT 5, section 4.3.3).
    if (history.mayHaveArrived && !(resumes && qos === 2)) history.possibleDuplicate = true;
    history.attempts++;
    if (wasReleased) link.release(packetId);
    else if (!this.write(link, packet)) {
      if (!resumes) session.giveBack(packetId);
      settlement.unsendable(message, 'cannot_be_encoded');
      return true;
    }
    if (qos === 0) {
      session.noteQos0();
      this.parts.timer.sentQos0(bytes, window);
      settlement.delivered(message);
      return true;
    }
    const phase = wasReleased ? 'released' : 'published';
    const sent = window.sent(wasReleased ? 0 : bytes);
    const askedAtMs = sent.sentAtMs;
    session.begin({ packetId, qos, message, control: undefined, sent, phase, askedAtMs, wasReleased });
    return true;
  }

  /** Sends one of the service's own messages (QoS 1), or settles it as refused; false when it has to wait for a packet id. */
  sendControl(link: Link, control: ControlMessage): boolean {
    const { session, window } = this.parts;
    const packetId = session.allocate();
    if (packetId === undefined) return false;
    const { topic, payload } = control;
    const retain = control.retain && link.limits.retainAvailable;
    const packet = { topic, payload, qos: 1, retain, dup: false, packetId } as const;
    const bytes = link.packetBytes(packet);
    if (bytes > link.limits.maximumPacketSize || !this.write(link, packet)) {
      session.giveBack(packetId);
      control.settled('refused');
      return true;
    }
    const sent = window.sent(bytes);
    const base = { packetId, qos: 1, message: undefined, control, sent, askedAtMs: sent.sentAtMs } as const;
    session.begin({ ...base, phase: 'published', wasReleased: false });
    return true;
  }

  /** A packet is encoded whole or not at all, so one that cannot be leaves the connection as it was. */
  private write(link: Link, packet: OutgoingPublish): boolean {
    try {
      link.publish(packet);
      return true;
    } catch (error) {
      this.parts.logger.error(`A message for ${packet.topic} has no MQTT encoding: ${String(error)}`);
      return false;
    }
  }
}
