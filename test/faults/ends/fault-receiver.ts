import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingOptions } from '../../../src/mqtt-sync/mqtt-sync.options.js';
import type { MqttSyncContext } from '../../../src/mqtt-sync/subscriber/mqtt-sync-context.js';
import type { Mosquitto } from '../../helpers/mosquitto.js';
import { ShoreApplication } from '../../helpers/shore-application.js';
import { until } from '../../helpers/wait.js';
import { type Finding, type FindingKind, Findings } from '../oracle/findings.js';
import { Oracle } from '../oracle/oracle.js';
import type { FaultReport } from '../oracle/report.js';
import { scale } from '../scale.js';
import { EffectLedger } from './effect-ledger.js';
import { gapDisagreements } from './gap-disagreements.js';
import { hurryCatchUp } from './hurried-catch-up.js';

/** After so long nothing is handled any more. */
const SILENCE_MS = 30_000;
const SUBSCRIPTIONS = { manual: 3, automatic: 4 } as const;

/** What the oracle of the effects finds, as what the receiver did wrong. */
const KINDS: Partial<Record<FindingKind, FindingKind>> = {
  lost: 'not_handled',
  reordered: 'handled_out_of_order',
  changed: 'handled_changed',
  repeated_after_deduplication: 'handled_again',
  unpromised: 'handled_unpromised',
};

/** Adds to a report what a receiver did. */
export interface ReceiverJudge {
  /**
   * Waits until the broker, since it was started last, has granted what the receiver subscribes to, and the ship what its requests
   * come in on. Before that it may pass nothing on, whatever session it says it has. Something has to be published meanwhile.
   */
  listening(broker: Pick<Mosquitto, 'log'>): Promise<void>;
  judge(report: FaultReport): Promise<FaultReport>;
}

const NOBODY: ReceiverJudge = { listening: () => Promise.resolve(), judge: (report) => Promise.resolve(report) };

const CLIENT_IDS = ['arus_sync_fault-receiver_in', 'arus_sync_mv-fault'];

/**
 * The product's own receiver at the other end of a fault: an application on shore that follows the ship's changes at the same
 * broker, and whose handler keeps a ledger. The oracle judges what came ashore without it; this is judged by the oracle.
 */
export class FaultReceiver implements ReceiverJudge {
  private readonly effects = new Oracle();
  private readonly ledger = new EffectLedger();
  private replays = 0;
  /** The newest of each key that came because the broker had kept it, and not in its turn. */
  private readonly newestRetained = new Map<string, number>();

  private constructor(
    readonly shore: ShoreApplication,
    /** Of what the ship promised, and what a plain listener got. */
    private readonly oracle: Oracle,
  ) {
    this.ledger.born(1);
    shore.events.on('change_handled', ({ messageId }) => this.ledger.record(messageId!));
    shore.subscriber.subscribe('+', (data, context) => this.handle(data, context));
  }

  /**
   * Starts it and waits until it is subscribed, where the form of the suite has one; it ends with the test.
   * @param catchUp `automatic` where a broker may lose what it had taken; else nothing may be missing in the first place.
   */
  static async attach(
    brokerUrl: string,
    oracle: Oracle,
    catchUp: NonNullable<IncomingOptions['catchUp']> = 'manual',
  ): Promise<ReceiverJudge> {
    if (!scale.withReceiver) return NOBODY;
    const shore = await ShoreApplication.create({
      ...{ brokerUrl, vesselId: 'fault-receiver', reconnectMaxS: 1 },
      ...{ topicPrefix: 'vessel/receiver', inboundPrefix: 'vessel/sync' },
      incoming: { catchUp, gapGraceS: 1 },
    });
    const receiver = new FaultReceiver(shore, oracle);
    await shore.receive();
    hurryCatchUp(shore);
    await shore.subscribed(SUBSCRIPTIONS[catchUp]);
    return receiver;
  }

  async listening(broker: Pick<Mosquitto, 'log'>): Promise<void> {
    for (const clientId of CLIENT_IDS) {
      const granted = () => broker.log.includes(`Sending SUBACK to ${clientId}\n`);
      await until(granted, { deadlineMs: 60_000, what: `the SUBACK to ${clientId}` });
    }
  }

  /**
   * Waits until it has handled everything, or nothing comes any more, and adds to a report what it did. Call it at the end: what
   * is promised later it does not know.
   */
  async judge(report: FaultReport): Promise<FaultReport> {
    for (const obligation of this.oracle.due()) this.effects.oblige(obligation);
    await this.settled();
    const { delivered, findings } = this.effects.report({ name: report.name, everyArrivalIsPromised: true });
    const { changesRepeated } = this.shore.status.statistics;
    const note = `the receiver handled ${delivered}, ${this.replays} of them by catch-up; ${changesRepeated} came again`;
    return {
      ...report,
      handled: delivered,
      findings: [...report.findings, ...findings.map(asOfReceiver), ...this.ownFindings()],
      notes: [...report.notes, note],
    };
  }

  /** The effect, after work that takes a while for some. */
  private async handle(data: unknown, context: MqttSyncContext): Promise<void> {
    const { messageId, vesselId, epoch, sequence, entity, key, operation, replayed, retained, stale } = context;
    if (sequence! % 3 === 0) await sleep(Math.random() * 4);
    if (replayed) this.replays++;
    // What was asked for again comes when newer changes have been handled, and the handler is told.
    if (replayed && stale) this.effects.exemptFromOrder(messageId!);
    // So does what is sent again after a broker that was killed has passed on its retained message, which was sent behind it.
    const line = `${vesselId} ${epoch} ${entity} ${key}`;
    if (retained) this.newestRetained.set(line, sequence!);
    else if (stale && sequence! < (this.newestRetained.get(line) ?? 0)) this.effects.exemptFromOrder(messageId!);
    this.ledger.effect(messageId!);
    const place = { messageId: messageId!, vesselId: vesselId!, epoch: epoch!, sequence: sequence! };
    this.effects.arrived({ ...place, entity, key, operation: operation!, data });
  }

  private async settled(): Promise<void> {
    let [handled, sinceMs] = [-1, 0];
    const isOver = () => {
      const now = this.effects.arrivals;
      if (now > handled) [handled, sinceMs] = [now, performance.now()];
      return this.isThrough || performance.now() - sinceMs > SILENCE_MS;
    };
    await until(isOver, { deadlineMs: 600_000, what: 'the receiver to handle everything' });
  }

  private get isThrough(): boolean {
    const hasAll = this.effects.delivered === this.effects.accepted;
    return hasAll && this.shore.status.receiver.unacknowledged === 0 && this.gapDisagreements().length === 0;
  }

  private gapDisagreements(): string[] {
    return gapDisagreements(this.oracle.gone(), this.shore.inbox.accounts());
  }

  private ownFindings(): Finding[] {
    const findings = new Findings();
    for (const fault of this.ledger.faults) findings.add('handled_again', fault);
    for (const { topic, error } of this.shore.inbox.parked()) findings.add('parked', `from ${topic}: ${error}`);
    for (const disagreement of this.gapDisagreements()) findings.add('gaps_told_wrong', disagreement);
    return findings.toArray();
  }
}

function asOfReceiver(finding: Finding): Finding {
  return { ...finding, kind: KINDS[finding.kind] ?? finding.kind };
}
