import { BaseRpcContext } from '@nestjs/microservices';
import type { Qos } from '../wire/entity-policies.js';
import type { Operation } from '../wire/envelope.js';
import type { IncomingChange, IncomingForm } from '../wire/incoming-change.js';
import type { Circumstances } from './circumstances.js';

/** What a handler can know of the change beside its data; `@Ctx()` injects it. */
export class MqttSyncContext extends BaseRpcContext<[change: IncomingChange, circumstances: Circumstances]> {
  /** The topic that the message came on. */
  get topic(): string {
    return this.change.topic;
  }

  /** The quality of service that the broker delivered it with, at most 1. */
  get qos(): Qos {
    return this.change.qos;
  }

  /** The same for every delivery of one change: what makes a handler idempotent. Undefined without an envelope. */
  get messageId(): string | undefined {
    return this.change.messageId;
  }

  /** Which side made the change, as its envelope says. */
  get vesselId(): string | undefined {
    return this.change.vesselId;
  }

  /** Names one life of the vessel's queue; compare for difference, not for size. */
  get epoch(): number | undefined {
    return this.change.epoch;
  }

  /** Rises by one per vessel, epoch and entity type. */
  get sequence(): number | undefined {
    return this.change.sequence;
  }

  get entity(): string {
    return this.change.entity;
  }

  /** The entity's id; undefined: the entity type orders as one. */
  get key(): string | undefined {
    return this.change.key;
  }

  get operation(): Operation | undefined {
    return this.change.operation;
  }

  /** When the change was made, as the sender wrote it: ISO 8601, UTC. */
  get timestamp(): string | undefined {
    return this.change.timestamp;
  }

  /** It was sent again because this side had asked for what it missed. */
  get replayed(): boolean {
    return this.change.replayed;
  }

  /** A newer change of the same vessel, entity type and key was handled before: to apply this one would undo that. */
  get stale(): boolean {
    return this.circumstances.stale;
  }

  /** The broker had kept it for late subscribers. */
  get retained(): boolean {
    return this.change.retained;
  }

  /** How much the message says of itself: `envelope`, `older`, or `bare`. */
  get form(): IncomingForm {
    return this.change.form;
  }

  /** 1 for the first try of this process to handle it. */
  get attempt(): number {
    return this.circumstances.attempt;
  }

  /** Aborted when the handler takes too long, or the process stops: nobody waits for it any more. */
  get signal(): AbortSignal {
    return this.circumstances.signal;
  }

  private get change(): IncomingChange {
    return this.args[0];
  }

  private get circumstances(): Circumstances {
    return this.args[1];
  }
}
