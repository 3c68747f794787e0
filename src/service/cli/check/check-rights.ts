import { type ISubscriptionGrant, type MqttClient } from 'mqtt';
import { v7 as uuidv7 } from 'uuid';
import { failureText, formatReasonCode } from '../../../mqtt-sync/connection/failure-text.js';
import { type ResolvedOptions } from '../../../mqtt-sync/mqtt-sync.options.js';
import { expandPrefix, Topics } from '../../../mqtt-sync/wire/topics.js';
import { PROBE_ENTITY } from '../../smoke/probe.js';
import { CheckFailure, type Finding } from './check-step.js';
import { type Session } from './check-session.js';
import { withDeadline } from './deadline.js';

/**
 * Publishes what harms nobody, not retained: a probe on a topic of changes, and a gap without a range on the topic of the
 * vessel's gaps. The status is left alone, since it is retained and true.
 */
export async function checkPublish(session: Session, options: ResolvedOptions, timeoutMs: number): Promise<Finding> {
  const topics = new Topics(options.topicPrefix, options.vesselId);
  const sent: readonly (readonly [topic: string, envelope: object])[] = [
    [topics.ofEntity(PROBE_ENTITY), { type: 'data_change', entity: PROBE_ENTITY, operation: 'create', data: {} }],
    [topics.gap, { type: 'gap', entity: PROBE_ENTITY, data: { ranges: [] } }],
  ];
  for (const [topic, envelope] of sent) {
    const common = { messageId: uuidv7(), vesselId: options.vesselId, timestamp: new Date().toISOString() };
    await publish(session.client, topic, JSON.stringify({ ...envelope, ...common }), timeoutMs);
  }
  const where = sent.map(([topic]) => topic).join(' and ');
  return { detail: session.protocol === '5' ? `taken on ${where}` : `acknowledged on ${where}` };
}

/** Asks for the incoming changes, without their retained copies, and gives them back at once. */
export async function checkSubscribe(
  { client }: Session,
  options: ResolvedOptions,
  timeoutMs: number,
): Promise<Finding> {
  const filter = `${expandPrefix(options.inboundPrefix, options.vesselId)}/#`;
  const what = `the subscription to ${filter}`;
  const subscribe = (): Promise<ISubscriptionGrant[]> => client.subscribeAsync(filter, { qos: 1, rh: 2 });
  const [granted] = await answer(client, what, timeoutMs, subscribe).catch((error: unknown) => {
    throw error instanceof CheckFailure ? error : refused(what, failureText(error));
  });
  if (!granted || granted.qos > 2) throw refused(what, formatReasonCode(granted?.qos ?? 0x80));
  // Its answer is nobody's business: the session ends with the check.
  client.unsubscribe(filter, () => {});
  return { detail: `granted: ${filter} (some brokers grant everything, and pass on what is allowed)` };
}

/** How long an acknowledgement takes: the shortest of three, which is the link without a queue on the way. */
export async function checkRoundTrip(session: Session, options: ResolvedOptions, timeoutMs: number): Promise<Finding> {
  const times: number[] = [];
  for (let count = 0; count < 3; count++) {
    const since = performance.now();
    await checkPublish(session, options, timeoutMs);
    // Two messages, one after the other.
    times.push((performance.now() - since) / 2);
  }
  return { detail: `${Math.round(Math.min(...times))} ms from a message to its acknowledgement` };
}

async function publish(client: MqttClient, topic: string, payload: string, timeoutMs: number): Promise<void> {
  const what = `a message on ${topic}`;
  const send = (): Promise<unknown> => client.publishAsync(topic, payload, { qos: 1, retain: false });
  await answer(client, what, timeoutMs, send).catch((error: unknown) => {
    if (error instanceof CheckFailure) throw error;
    const { code } = error as { code?: unknown };
    throw refused(what, typeof code === 'number' ? formatReasonCode(code) : failureText(error));
  });
}

/** Waits for what the broker says; its silence and the end of the connection are failures of the check. */
async function answer<T>(client: MqttClient, what: string, timeoutMs: number, ask: () => Promise<T>): Promise<T> {
  let closed = (): void => {};
  try {
    return await withDeadline<T>(timeoutMs, noAnswer(what, timeoutMs), (resolve, reject) => {
      closed = () => reject(hungUp(what));
      client.once('close', closed);
      ask().then(resolve, reject);
    });
  } finally {
    client.off('close', closed);
  }
}

const refused = (what: string, why: string) =>
  new CheckFailure(`the broker refuses ${what} (${why})`, [
    'Give this user the right to it: topics hang on MQTT_TOPIC_PREFIX, MQTT_INBOUND_PREFIX and VESSEL_ID; see docs/broker-setup.md.',
  ]);

const hungUp = (what: string) =>
  new CheckFailure(`the broker hung up on ${what}`, [
    'Some brokers do so where a right is missing: compare its rights with MQTT_TOPIC_PREFIX, MQTT_INBOUND_PREFIX and VESSEL_ID.',
  ]);

const noAnswer = (what: string, timeoutMs: number) =>
  new CheckFailure(`no answer to ${what} within ${timeoutMs / 1000} s`, [
    'The connection stands, but nothing comes back: look at the link.',
  ]);
