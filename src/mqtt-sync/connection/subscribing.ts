import type { IClientSubscribeOptions, MqttClient } from 'mqtt';
import type { SubscriptionRequest } from './incoming-link.js';

/** Retained messages only for a subscription that the session does not have yet (MQTT 5, section 3.8.3.1). */
const ONLY_IF_NEW = 1;

/** Subscribes through MQTT.js and answers with the reason codes as the broker gave them. */
export function subscribe(client: MqttClient, requests: readonly SubscriptionRequest[]): Promise<readonly number[]> {
  const byFilter: Record<string, IClientSubscribeOptions> = Object.create(null) as Record<string, never>;
  for (const { filter, qos } of requests) byFilter[filter] = { qos, nl: false, rap: false, rh: ONLY_IF_NEW };
  return new Promise((resolve) => {
    // Without a SUBACK the connection is over, and its end is told in another way.
    client.subscribe(byFilter, (_error, _granted, suback) => {
      if (suback) resolve(suback.granted as number[]);
    });
  });
}

/** Unsubscribes through MQTT.js. */
export function unsubscribe(client: MqttClient, filters: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    client.unsubscribe([...filters], (error) => {
      if (!error) resolve();
    });
  });
}
