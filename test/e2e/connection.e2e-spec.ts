import { expect, it } from 'vitest';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { connectionTo } from '../helpers/connection.js';

describeWithMosquitto('A connection to Mosquitto', () => {
  it('connects, delivers a QoS 1 and a QoS 2 message and stops', async () => {
    const broker = await Mosquitto.start();
    const connection = connectionTo({ brokerUrl: broker.url });
    connection.start();
    const link = await connection.linked();
    const common = { topic: 't', payload: Buffer.from('x'), retain: false, dup: false };
    link.publish({ ...common, qos: 1, packetId: 7 });
    link.publish({ ...common, qos: 2, packetId: 8 });
    link.flush();
    await connection.acknowledged(2);
    link.release(8);
    link.flush();
    await connection.acknowledged(3);
    expect(connection.acknowledgements).toEqual([
      { type: 'puback', packetId: 7, reasonCode: 16 },
      { type: 'pubrec', packetId: 8, reasonCode: 0 },
      { type: 'pubcomp', packetId: 8, reasonCode: 0 },
    ]);
    await connection.manager.stop(1000);
    expect(connection.losses).toEqual([{ by: 'local', reason: 'stopped', reasonCode: undefined }]);
  });
});
