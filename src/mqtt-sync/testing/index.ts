export { MqttSyncTestingModule } from './mqtt-sync-testing.module.js';
export { type RecordedChange, RecordingPublisher } from './recording-publisher.js';
