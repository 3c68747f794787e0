import { expect, it } from 'vitest';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { Shore } from '../helpers/shore.js';
import { startBehindLink } from '../helpers/sync-application.js';
import { until } from '../helpers/wait.js';

describeWithMosquitto('A Mosquitto that keeps no retained messages', () => {
  // Found by a review: the last will was always retained, and no such broker may accept one.
  it('is connected to and delivered to; status and last will come without the flag', async () => {
    const broker = await Mosquitto.start({ config: 'allow_anonymous true\nretain_available false' });
    const shore = await Shore.listen(broker.url);
    const { link, application } = await startBehindLink(broker);
    const receipt = await application.publisher.publish('work_orders', 'update', { id: 'WO-1' });
    await receipt.delivered({ timeoutMs: 10_000 });
    const statuses = () =>
      shore.received.flatMap(({ envelope }) => (envelope.type === 'status' ? envelope.data.status : []));
    await until(() => statuses().length === 1, { what: 'the online status' });
    link.cut();
    await until(() => statuses().length === 3, { what: () => `will and new status; so far ${statuses().join(', ')}` });
    expect(statuses()).toEqual(['online', 'offline', 'online']);
    expect(shore.sequencesOf('work_orders')).toEqual([1]);
    expect(broker.log).not.toMatch(/Received PUBLISH from arus_sync_mv-test .*r1/);
    // One attempt was refused, in the whole life of the process.
    expect(link.connectionsAccepted).toBe(3);
  });
});
