export { MqttSyncTestingModule, type RecordingOptions } from './mqtt-sync-testing.module.js';
export { type ReceivedChange } from './received-change.js';
export { RecordingPublisher } from './recording-publisher.js';
export { type RecordedChange } from './recording-queue.js';
export { TestingBroker } from './testing-broker.js';
