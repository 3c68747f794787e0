import { expect, it } from 'vitest';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { Shore } from '../helpers/shore.js';
import { SyncApplication } from '../helpers/sync-application.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';

/** What Mosquitto takes at a time unless it is told otherwise. */
const RECEIVE_MAXIMUM = 20;
const PADDING = 'x'.repeat(4000);

describeWithMosquitto('The status of a vessel', () => {
  it('becomes online again after a cut that left the whole quota of the session between PUBREC and PUBREL', async () => {
    const broker = await Mosquitto.start();
    const shore = await Shore.listen(broker.url, 'vessel/sync/system/status/#');
    const link = await TcpProxy.start(broker.port);
    const application = await SyncApplication.start({
      brokerUrl: link.url,
      protocol: '5',
      reconnectMaxS: 1,
      queue: { store: 'memory' },
    });
    const seen = () => shore.received.map(({ envelope }) => envelope.type === 'status' && envelope.data.status);
    const sees = (...wanted: string[]) =>
      until(() => seen().join() === wanted.join(), { what: () => `${wanted.join()}; the shore saw ${seen().join()}` });
    await application.connected();
    await sees('online');
    link.blackHole(['down']);
    const upBefore = link.carriedBytes.up;
    const alerts = Array.from({ length: 200 }, (_, key) => ({
      ...({ entity: 'alerts', operation: 'create', key: String(key), data: PADDING } as const),
    }));
    await application.publisher.publishMany(alerts);
    // An envelope is some 250 bytes more than its data.
    await until(() => link.carriedBytes.up >= upBefore + RECEIVE_MAXIMUM * (PADDING.length + 200), {
      what: 'as many alerts on the way as the broker takes',
    });
    link.cut();
    link.heal();
    await application.drained();
    await sees('online', 'offline', 'online');
    expect(application.status.connected).toBe(true);
  });
});
