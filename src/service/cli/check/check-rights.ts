import type { IClientPublishOptions } from 'mqtt';
import { brokerLimits } from '../../../mqtt-sync/connection/connack.js';
import { refusalIn } from './broker-answer.js';
import type { Session } from './check-session.js';
import { CheckFailure, type Finding } from './check-step.js';
import type { CheckTopics, NeededRight, PublishRight } from './check-topics.js';

/** The broker forgets a retained probe after it. */
const PROBE_EXPIRY_S = 1;

/** A right that is missing. */
interface Refusal {
  readonly what: string;
  readonly why: string;
  readonly right: NeededRight & { readonly isOptional?: boolean };
}

/** Publishes a probe on every topic that the service publishes on, and says which the broker refuses. */
export async function checkPublish(session: Session, topics: CheckTopics, timeoutMs: number): Promise<Finding> {
  const refusals: Refusal[] = [];
  for (const right of topics.published) {
    const what = `a message on ${right.topic}`;
    const why = await publish(session, topics, right, timeoutMs);
    if (why !== undefined) refusals.push({ what, why, right });
  }
  const needed = refusals.filter(({ right }) => !right.isOptional);
  if (needed.length > 0) throw missing('publish', needed);
  const taken = topics.published.filter((right) => !refusals.some((refusal) => refusal.right.topic === right.topic));
  const where = taken.map(({ topic }) => topic).join(', ');
  const detail = session.protocol === '5' ? `taken on ${where}` : `acknowledged on ${where}`;
  return { detail, advice: refusals.map((refusal) => consequenceOf('publish', refusal)) };
}

/** Subscribes to what the service subscribes to, and says which filters the broker refuses. */
export async function checkSubscribe({ client }: Session, topics: CheckTopics, timeoutMs: number): Promise<Finding> {
  const refusals: Refusal[] = [];
  for (const right of topics.subscribed) {
    const what = `the subscription to ${right.topic}`;
    const why = await refusalIn(client, what, timeoutMs, () => client.subscribeAsync(right.topic, { qos: 1 }));
    if (why !== undefined) refusals.push({ what, why, right });
  }
  if (refusals.length > 0) throw missing('subscribe', refusals);
  const granted = topics.subscribed.map(({ topic }) => topic).join(', ');
  return { detail: `granted: ${granted} (some brokers grant everything, and pass on what is allowed)` };
}

/** How long an acknowledgement takes: the shortest of three, which is the link without a queue on the way. */
export async function checkRoundTrip(session: Session, topics: CheckTopics, timeoutMs: number): Promise<Finding> {
  const times: number[] = [];
  const right = { ...topics.changes, retain: false };
  for (let count = 0; count < 3; count++) {
    const since = performance.now();
    const why = await publish(session, topics, right, timeoutMs);
    if (why !== undefined) throw missing('publish', [{ what: `a message on ${right.topic}`, why, right }]);
    times.push(performance.now() - since);
  }
  return { detail: `${Math.round(Math.min(...times))} ms from a message to its acknowledgement` };
}

function publish(session: Session, topics: CheckTopics, right: PublishRight, timeoutMs: number) {
  const { client } = session;
  const { topic, envelope, retain } = right;
  const options = { qos: 1 as const, ...(retain && retention(session)) };
  const send = () => client.publishAsync(topic, topics.payload(envelope), options);
  return refusalIn(client, `a message on ${topic}`, timeoutMs, send);
}

/** To retain is a right of its own at some brokers. Only MQTT 5 lets the broker forget it again by itself, and tells a refusal. */
function retention({ protocol, connack }: Session): IClientPublishOptions {
  if (protocol !== '5' || !brokerLimits(connack).retainAvailable) return {};
  return { retain: true, properties: { messageExpiryInterval: PROBE_EXPIRY_S } };
}

const missing = (verb: string, refusals: readonly Refusal[]) =>
  new CheckFailure(`the broker refuses ${refusals.map(({ what, why }) => `${what} (${why})`).join(', ')}`, [
    ...refusals.map((refusal) => consequenceOf(verb, refusal)),
    'Give this user the right to it: topics hang on MQTT_TOPIC_PREFIX, MQTT_INBOUND_PREFIX and VESSEL_ID; see docs/broker-setup.md.',
  ]);

const consequenceOf = (verb: string, { right: { topic, consequence } }: Refusal): string =>
  `Without the right to ${verb} ${verb === 'publish' ? 'on' : 'to'} ${topic} ${consequence}`;
