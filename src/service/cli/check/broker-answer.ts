import type { MqttClient } from 'mqtt';
import { failureText, formatReasonCode } from '../../../mqtt-sync/connection/failure-text.js';
import { CheckFailure } from './check-step.js';
import { withDeadline } from './deadline.js';

/**
 * Waits for what the broker says.
 * @returns why it refuses; undefined when it does not.
 * @throws {CheckFailure} for its silence, and for the end of the connection.
 */
export async function refusalIn(
  client: MqttClient,
  what: string,
  timeoutMs: number,
  ask: () => Promise<unknown>,
): Promise<string | undefined> {
  let closed = (): void => {};
  try {
    await withDeadline<unknown>(timeoutMs, noAnswer(what, timeoutMs), (resolve, reject) => {
      closed = () => reject(hungUp(what));
      client.once('close', closed);
      ask().then(resolve, reject);
    });
    return undefined;
  } catch (error) {
    if (error instanceof CheckFailure) throw error;
    const { code } = error as { code?: unknown };
    return typeof code === 'number' ? formatReasonCode(code) : failureText(error);
  } finally {
    client.off('close', closed);
  }
}

const hungUp = (what: string) =>
  new CheckFailure(`the broker hung up on ${what}`, [
    'Some brokers do so where a right is missing: compare its rights with MQTT_TOPIC_PREFIX, MQTT_INBOUND_PREFIX and VESSEL_ID.',
  ]);

const noAnswer = (what: string, timeoutMs: number) =>
  new CheckFailure(`no answer to ${what} within ${timeoutMs / 1000} s`, [
    'The connection stands, but nothing comes back: look at the link.',
  ]);
