/** Who takes part where changes are sent. */
export const SENDERS = [
  'disk',
  'memory',
  'mqttjs',
  'mqttjs-offline',
  'one-at-a-time',
  'bridge-default',
  'bridge-tuned',
] as const;

/** Who takes part where they are received. */
export const RECEIVERS = ['receiver', 'nest-mqtt'] as const;
export type ReceiverId = (typeof RECEIVERS)[number];

/** What nobody would use: what Node and Nest take by themselves, where an aim is about that too. */
export const YARDSTICKS = ['bare-socket', 'bare-nest'] as const;

/** Who takes part. */
export const CONTENDERS = [...SENDERS, ...RECEIVERS, ...YARDSTICKS] as const;
export type ContenderId = (typeof CONTENDERS)[number];

export const CONTENDER_TITLES: Readonly<Record<ContenderId, string>> = {
  disk: 'SyncPublisher, DiskQueue',
  memory: 'SyncPublisher, MemoryQueue',
  mqttjs: 'MQTT.js, window of 1,000 refilled in its callback',
  'mqttjs-offline': 'MQTT.js, published offline, its own resending',
  'one-at-a-time': 'MQTT.js, one message per acknowledgement',
  'bridge-default': 'Mosquitto bridge, defaults',
  'bridge-tuned': 'Mosquitto bridge, tuned',
  receiver: 'MqttSyncServer, inbox on disk',
  'nest-mqtt': 'Transport.MQTT of Nest',
  'bare-socket': 'Bare socket: packets encoded before, acknowledgements counted',
  'bare-nest': 'Bare Nest application: a constant, rate limited',
};

export function isBridge(contender: ContenderId): contender is 'bridge-default' | 'bridge-tuned' {
  return contender === 'bridge-default' || contender === 'bridge-tuned';
}

/** In flight at most: the publisher's default, and the window of plain MQTT.js. */
export const WINDOW = 1000;
