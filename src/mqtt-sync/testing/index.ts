export { MqttSyncTestingModule } from './mqtt-sync-testing.module.js';
export { type RecordedChange, type RecordingOptions, RecordingPublisher } from './recording-publisher.js';
