// A receiving application that says what its handler does; run as a process of its own, to be killed. Needs `npm run build`.
import 'reflect-metadata';
import { writeSync } from 'node:fs';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MqttSyncModule, SyncEvents, SyncStatus, SyncSubscriber } from '../../dist/index.js';

const STDOUT = 1;
const say = (line) => writeSync(STDOUT, `${line}\n`);
const { hangs, ...options } = JSON.parse(process.argv[2]);

class ReceivingModule {}
Module({ imports: [MqttSyncModule.forRoot(options)] })(ReceivingModule);

const app = await NestFactory.createApplicationContext(ReceivingModule, { logger: false, abortOnError: false });
app.get(SyncEvents).on('change_handled', ({ messageId }) => say(`recorded ${messageId}`));
app.get(SyncEvents).on('change_repeated', ({ messageId }) => say(`repeated ${messageId}`));
app.get(SyncSubscriber).subscribe('crew', (_data, { messageId, key, sequence }) => {
  say(`effect ${messageId} ${key} ${sequence}`);
  if (hangs) return new Promise(() => {});
});
const status = app.get(SyncStatus);
const poll = setInterval(() => {
  if (status.activeSubscriptions < 2) return;
  clearInterval(poll);
  say('subscribed');
}, 10);
