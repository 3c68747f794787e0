import { generate } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { connectionTo } from '../../../test/helpers/connection.js';
import { connectionScene, MESSAGE } from '../../../test/helpers/connection-scene.js';
import { freePort } from '../../../test/helpers/ports.js';
import { ScriptedBroker } from '../../../test/helpers/scripted-broker.js';
import { until } from '../../../test/helpers/wait.js';
import { FakeClock } from '../time/fake-clock.js';
import { type LookupAnswer, NameLookup } from './name-lookup.js';

/** Look-ups that a resolver answers when the test says so. */
class SlowNames extends NameLookup {
  /** How often somebody wanted to know. */
  wanted = 0;
  readonly answers: LookupAnswer[] = [];

  constructor() {
    super((_host, _options, answer) => void this.answers.push(answer));
  }

  override lookUp(...question: Parameters<NameLookup['lookUp']>): void {
    this.wanted++;
    super.lookUp(...question);
  }

  async isWanted(times: number): Promise<void> {
    await until(() => this.wanted >= times, { what: () => `look-up ${times}, not ${this.wanted}` });
  }
}

describe('ConnectionManager: losses', () => {
  it('tells apart a peer that closes, one that says why, and our own cut', async () => {
    const { connection, broker, retry } = await connectionScene();
    connection.start();
    await connection.linked(1);
    broker.last.close();
    expect(await connection.lost(1)).toMatchObject({ by: 'peer', reason: 'the broker closed the connection' });
    await retry();
    await connection.linked(2);
    broker.last.cut();
    expect(await connection.lost(2)).toMatchObject({ by: 'peer', reason: 'read ECONNRESET' });
    await retry();
    await connection.linked(3);
    broker.last.send({ cmd: 'disconnect', reasonCode: 0x97, properties: { reasonString: 'no\nroom' } });
    expect(await connection.lost(3)).toEqual({
      by: 'server_disconnect',
      reasonCode: 0x97,
      reason: 'the broker disconnected us: Quota exceeded (0x97), "no room"',
    });
    await until(() => !broker.last.isOpen, { what: 'our side to close after a DISCONNECT' });
    await retry();
    (await connection.linked(4)).cut('no acknowledgement for 15 s');
    expect(await connection.lost(4)).toMatchObject({ by: 'local', reason: 'no acknowledgement for 15 s' });
    expect(connection.story.filter((line) => line.startsWith('lost'))).toHaveLength(4);
  });

  it.each([0x9c, 0x9d])('says where a broker sends us that disconnects us with %i', async (reasonCode) => {
    const { connection, broker } = await connectionScene();
    connection.start();
    await connection.linked();
    broker.last.send({ cmd: 'disconnect', reasonCode, properties: { serverReference: 'other.example:1883' } });
    expect((await connection.lost()).reason).toMatch(
      /^the broker disconnected us: .*, it names other\.example:1883 instead$/,
    );
  });

  it('reports one loss per link, and a dead link swallows what is written to it', async () => {
    const { connection, broker, retry } = await connectionScene();
    connection.start();
    const link = await connection.linked();
    link.cut('once');
    link.cut('twice');
    await connection.lost();
    link.publish(MESSAGE);
    link.release(1);
    link.flush();
    link.cut('thrice');
    expect(link.bufferedBytes).toBe(0);
    await retry();
    await connection.linked(2);
    expect(connection.losses).toHaveLength(1);
    expect(broker.packets('publish')).toHaveLength(0);
  });

  it('delivers the acknowledgements that came before a malformed packet, even in one piece with it', async () => {
    const { connection, broker } = await connectionScene({ ack: () => 'withhold' });
    connection.start();
    await connection.linked();
    const acks = [1, 2, 3].map((messageId) => generate({ cmd: 'puback', messageId, reasonCode: 0 }));
    broker.last.sendBytes(Buffer.concat([...acks, Buffer.from([0x41, 0])]));
    expect((await connection.lost()).by).toBe('network');
    expect(connection.acknowledgements.map(({ packetId }) => packetId)).toEqual([1, 2, 3]);
  });

  it('never reports a loss from inside cut()', async () => {
    const { connection } = await connectionScene();
    connection.start();
    (await connection.linked()).cut('a reason');
    expect(connection.losses).toHaveLength(0);
    await connection.lost();
  });

  it('announces events in step with the observer', async () => {
    const { connection, broker, retry } = await connectionScene();
    connection.start();
    await connection.linked();
    broker.last.cut();
    await retry();
    await connection.linked(2);
    await connection.manager.stop(1000);
    expect(connection.story).toEqual([
      'connected',
      'linked',
      'disconnected',
      'lost by peer',
      'reconnecting 1',
      'connected',
      'linked',
      'disconnected',
      'lost by local',
    ]);
  });

  it('goes on when the observer throws', async () => {
    const { connection, broker, retry } = await connectionScene();
    connection.manager.observe({
      linked: () => {
        throw new Error('linked broke');
      },
      acknowledged() {},
      drained() {},
      lost: () => {
        throw new Error('lost broke');
      },
    });
    connection.start();
    await until(() => connection.manager.isConnected, { what: 'connected' });
    broker.last.cut();
    await retry();
    await until(() => connection.manager.isConnected, { what: 'connected again' });
    expect(connection.logger.matching(/^error .*(linked|lost) broke/)).toHaveLength(3);
  });
});

describe('ConnectionManager: failures of an attempt', () => {
  it('reports a refused connection, and a host that does not exist, and goes on', async () => {
    const refused = connectionTo({ brokerUrl: `mqtt://127.0.0.1:${await freePort()}`, clock: new FakeClock() });
    refused.start();
    expect(await refused.failed(/./)).toMatch(/^connect ECONNREFUSED 127\.0\.0\.1:\d+$/);
    const unknown = connectionTo({ brokerUrl: 'mqtt://no-such-host.invalid', clock: new FakeClock() });
    unknown.start();
    expect(await unknown.failed(/./)).toMatch(/getaddrinfo \w+ no-such-host\.invalid/);
    expect(unknown.manager.state).toBe('waiting');
    expect(unknown.manager.broker).toBe('mqtt://no-such-host.invalid:1883');
  });

  it('tells all addresses of a host that were tried', async () => {
    const connection = connectionTo({ brokerUrl: `mqtt://localhost:${await freePort()}`, clock: new FakeClock() });
    connection.start();
    expect(await connection.failed(/./)).toMatch(/ECONNREFUSED/);
  });

  it.each(['mqtt', 'mqtts', 'ws', 'wss'])(
    'looks a name up once at a time on %s, however many attempts and connections wait for it',
    async (scheme) => {
      const names = new SlowNames();
      const options = { brokerUrl: `${scheme}://broker.test`, connectTimeoutMs: 700, names };
      const scenes = [await connectionScene({}, options), await connectionScene({}, options)];
      for (const { connection } of scenes) connection.start();
      for (let attempt = 1; attempt <= 3; attempt++) {
        await names.isWanted(2 * attempt);
        for (const { connection, clock, retry } of scenes) {
          clock.advance(700);
          expect(await connection.failed(/./)).toBe('no address for broker.test within 700 ms');
          await retry();
        }
      }
      await names.isWanted(8);
      expect(names.answers).toHaveLength(1);
    },
  );

  it('takes the answer to the look-up of an earlier attempt', async () => {
    const names = new SlowNames();
    const broker = await ScriptedBroker.start();
    const { connection, clock, retry } = await connectionScene(
      {},
      { brokerUrl: `mqtt://broker.test:${broker.port}`, names },
    );
    connection.start();
    await names.isWanted(1);
    clock.advance(15_000);
    await retry();
    await names.isWanted(2);
    names.answers[0]?.(null, [{ address: '127.0.0.1', family: 4 }]);
    await connection.linked();
    expect(names.answers).toHaveLength(1);
    expect(broker.connections).toHaveLength(1);
  });

  it('looks no address up', async () => {
    const names = new SlowNames();
    const { connection } = await connectionScene({}, { names });
    connection.start();
    await connection.linked();
    expect(names.wanted).toBe(0);
  });

  it('gives up an attempt without CONNACK after connectTimeoutMs', async () => {
    const { connection, broker, clock } = await connectionScene(
      { connack: () => undefined },
      { connectTimeoutMs: 700 },
    );
    connection.start();
    await broker.waitFor('connect');
    clock.advance(699);
    expect(connection.manager.state).toBe('connecting');
    clock.advance(1);
    expect(await connection.failed(/./)).toBe('no CONNACK from the broker within 700 ms');
    await until(() => !broker.last.isOpen, { what: 'the socket to be closed' });
  });

  it('reports a broker that speaks no TLS', async () => {
    const { connection } = await connectionScene({}, { enableTls: true });
    connection.start();
    await connection.failed(/ECONNRESET|wrong version number|packet length|socket disconnected/);
    expect(connection.manager).toMatchObject({ tlsEnabled: true, state: 'waiting' });
    expect(connection.manager.broker).toMatch(/^mqtts:/);
  });

  it('ignores a link that comes up after the stop', async () => {
    let answer = (): void => {};
    const { connection, broker } = await connectionScene({
      connack: () => {
        answer = () => broker.last.send({ cmd: 'connack', sessionPresent: false, reasonCode: 0 });
        return undefined;
      },
    });
    connection.start();
    await broker.waitFor('connect');
    await connection.manager.stop(1000);
    answer();
    await until(() => !broker.last.isOpen, { what: 'the socket to be closed' });
    expect(connection.story).toEqual([]);
    expect(connection.manager.state).toBe('stopped');
  });
});
