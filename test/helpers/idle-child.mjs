// An application that does nothing but sync, to a broker that is not there; a process of its own. Needs `npm run build`.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MqttSyncModule, SyncEvents, SyncPublisher } from '../../dist/index.js';

class IdleModule {}
Module({ imports: [MqttSyncModule.forRoot(JSON.parse(process.argv[2]))] })(IdleModule);

const app = await NestFactory.createApplicationContext(IdleModule, { logger: false, abortOnError: false });
app.enableShutdownHooks();
app.get(SyncEvents).on('reconnecting', ({ attempt }) => console.log(`attempt ${attempt}`));
await app.get(SyncPublisher).publish('crew', 'create', { id: 'C-1' });
console.log('accepted');
