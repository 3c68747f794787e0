import type { MqttClient } from 'mqtt';

/** MQTT.js gives a connection up so many keepalives after the last answer to a ping, and asks again every half of one. */
const PATIENCE = 1.5;

/**
 * A broker may say how often we ping (Server Keep Alive), and not how long we wait for the answer: that is as long as our
 * own keepalive says. On a slow link the ping waits behind a large message, which would be cut off and begun again for ever.
 */
export function waitAsConfigured(client: MqttClient, keepaliveS: number): void {
  const giveUp = client.onKeepaliveTimeout.bind(client);
  let waited = PATIENCE;
  client.onKeepaliveTimeout = () => {
    if (waited * client.keepalive >= PATIENCE * keepaliveS) giveUp();
    else waited += 0.5;
  };
  client.on('packetreceive', ({ cmd }) => {
    if (cmd === 'pingresp') waited = PATIENCE;
  });
}
