import { type ContenderId, WINDOW } from '../contenders.js';

/** Client id of a bridge at the broker on shore. */
export const BRIDGE_CLIENT_ID = 'bench-bridge';

/**
 * The configuration of a Mosquitto on board that bridges to the one on shore: as the manual's example has it, and with
 * what people set who need it to keep and to hurry.
 * @param quickReconnect one second also for the defaults of 5 to 30, where reconnecting is not what is measured.
 */
export function bridgeConfig(
  contender: ContenderId,
  shorePort: number,
  folder: string,
  quickReconnect: boolean,
): string {
  const tuned = contender === 'bridge-tuned';
  const bridge = ['connection shore', `address 127.0.0.1:${shorePort}`, 'topic # out 1'];
  const id = [`remote_clientid ${BRIDGE_CLIENT_ID}`, 'notifications false'];
  const keep = ['persistence true', `persistence_location ${folder}/`, 'autosave_interval 60'];
  // Not 0 for all: over MQTT 5 the broker on shore would refuse it as a Receive Maximum.
  const hurry = [`max_inflight_messages ${WINDOW}`, 'max_queued_messages 0', 'set_tcp_nodelay true'];
  return [
    'allow_anonymous true',
    ...(tuned ? [...keep, ...hurry] : []),
    ...bridge,
    ...id,
    ...(tuned ? ['bridge_protocol_version mqttv50', 'cleansession false'] : []),
    ...(tuned || quickReconnect ? ['restart_timeout 1'] : []),
  ].join('\n');
}
