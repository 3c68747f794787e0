import dns from 'node:dns';
import { NestFactory } from '@nestjs/core';
import { expect, it, onTestFinished } from 'vitest';
import type { LookupAnswer } from '../../src/mqtt-sync/connection/name-lookup.js';
import { MqttSyncModule } from '../../src/mqtt-sync/mqtt-sync.module.js';
import { SyncSubscriber } from '../../src/mqtt-sync/subscriber/sync-subscriber.service.js';
import { SyncStatus } from '../../src/mqtt-sync/sync-status.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { queueFolder } from '../helpers/sync-application.js';
import { until } from '../helpers/wait.js';

const NAME = 'broker.test';

/** From now to the end of the test the resolver says nothing about one name, until it may. */
function silenceResolver() {
  const { lookup } = dns;
  const asked: LookupAnswer[] = [];
  let mayAnswer = false;
  const tell = (answer: LookupAnswer): void => answer(null, [{ address: '127.0.0.1', family: 4 }]);
  const patched = (host: string, ...rest: unknown[]): void => {
    if (host !== NAME) return (lookup as (...args: unknown[]) => void)(host, ...rest);
    asked.push(rest.at(-1) as LookupAnswer);
    if (mayAnswer) tell(asked.at(-1)!);
  };
  dns.lookup = patched as unknown as typeof dns.lookup;
  onTestFinished(() => void (dns.lookup = lookup));
  const answer = (): void => {
    mayAnswer = true;
    asked.forEach(tell);
  };
  return { asked, answer };
}

describeWithMosquitto('A module whose resolver does not answer', () => {
  it('has one look-up under way for publisher and receiver, and both connect once it answers', async () => {
    const broker = await Mosquitto.start();
    const { asked, answer } = silenceResolver();
    const module = MqttSyncModule.forRoot({
      ...{ brokerUrl: `mqtt://${NAME}:${broker.port}`, vesselId: 'mv-test', queue: { dir: queueFolder() } },
      ...{ connectTimeoutMs: 500, reconnectMaxS: 1 },
    });
    const context = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
    onTestFinished(() => context.close());
    context.get(SyncSubscriber).subscribe('crew', () => {});
    const status = context.get(SyncStatus);
    await until(() => status.reconnectAttempts >= 5, { what: () => `attempts, not ${status.reconnectAttempts}` });
    expect(asked).toHaveLength(1);
    answer();
    await until(() => status.connected && status.receiver.isConnected, { what: 'both connections' });
  });
});
