import { describe, expect, it } from 'vitest';
import { OptionsError } from './errors.js';
import type { MqttSyncOptions } from './mqtt-sync.options.js';
import { resolveOptions } from './resolve-options.js';

function faultsOf(options: unknown): string[] {
  try {
    resolveOptions(options as MqttSyncOptions);
  } catch (error) {
    if (error instanceof OptionsError) return error.faults.map(({ path }) => path);
    throw error;
  }
  return [];
}

describe('resolveOptions', () => {
  it('fills in every default', () => {
    expect(resolveOptions()).toMatchObject({
      brokerUrl: 'mqtt://localhost:1883',
      topicPrefix: 'vessel/sync',
      inboundPrefix: 'vessel/sync',
      localMode: true,
      protocol: 'auto',
      resumeSession: true,
      keepaliveS: 60,
      reconnectMaxS: 10,
      queue: {
        store: 'disk',
        dir: '.mqtt-queue',
        maxMessages: 10_000,
        maxBytes: 1_073_741_824,
        overflowPolicy: 'drop-oldest',
      },
      maxMessageBytes: 262_144,
      inflightWindow: 1000,
      healthMaxAgeS: 300,
      shutdownDeadlineMs: 5000,
      tls: { rejectUnauthorized: true },
      tlsEnabled: false,
      vesselIdIsExplicit: false,
    });
  });

  it('lists every fault at once, unknown options among them', () => {
    const faults = faultsOf({
      brokerUrl: 'http://broker',
      inflightWindow: 0,
      queue: { maxMessages: 'many', colour: 'red' },
      topicPrefx: 'a',
    });
    expect(faults.sort()).toEqual(['brokerUrl', 'inflightWindow', 'queue.colour', 'queue.maxMessages', 'topicPrefx']);
  });

  it('refuses a password without a user name: it cannot be sent', () => {
    const withPassword = [{ password: 'p' }, { passwordFile: '/p' }, { brokerUrl: 'mqtt://:p@broker.example' }];
    for (const given of withPassword) {
      expect(faultsOf(given)).toEqual(['username']);
      expect(faultsOf({ ...given, queue: 7 }).sort()).toEqual(['queue', 'username']);
      expect(faultsOf({ ...given, username: 'ship' })).toEqual([]);
      expect(faultsOf({ ...given, username: '' })).toEqual([]);
    }
    expect(faultsOf({ brokerUrl: 'mqtt://ship@broker.example', passwordFile: '/p' })).toEqual([]);
    expect(faultsOf({ brokerUrl: 'mqtt://ship:p@broker.example' })).toEqual([]);
  });

  it('lists what does not fit together beside what is wrong by itself', () => {
    const faults = faultsOf({
      maxMessageBytes: 4096,
      queue: { maxBytes: 2048, dir: 7 },
      tls: { certFile: 'client.crt', caFile: 7 },
    });
    expect(faults.sort()).toEqual(['maxMessageBytes', 'queue.dir', 'tls', 'tls.caFile']);
  });

  it('never repeats a value, which may be a secret', () => {
    expect(() => resolveOptions({ brokerUrl: 'ftp://user:hunter2@host', password: 7 } as never)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') as string }),
    );
  });

  it.each(['vessel/#', '/vessel', 'vessel/', 'a//b', '$SYS/x', 'vessel/{id}', ''])(
    'refuses the topic prefix "%s"',
    (topicPrefix) => {
      expect(faultsOf({ topicPrefix })).toEqual(['topicPrefix']);
    },
  );

  it.each(['a/b', 'mv aurora', '+', '', 'x'.repeat(65)])('refuses the vessel id "%s"', (vesselId) => {
    expect(faultsOf({ vesselId })).toEqual(['vesselId']);
  });

  it('refuses a client certificate without its key', () => {
    expect(faultsOf({ tls: { certFile: 'client.crt' } })).toEqual(['tls']);
  });

  it('refuses policies for reserved entity types', () => {
    expect(faultsOf({ entities: { system: { qos: 1 } } })).toHaveLength(1);
  });

  it.each([
    ['mqtts://broker', undefined, true],
    ['wss://broker', undefined, true],
    ['mqtt://broker', undefined, false],
    ['mqtt://broker', true, true],
    ['mqtts://broker', false, false],
    ['MQTTS://broker', undefined, true],
    [' mqtts://broker', undefined, true],
    ['\nWss://broker/mqtt\t', undefined, true],
    ['MQTT://broker', undefined, false],
  ])('%s with enableTls %s means TLS %s', (brokerUrl, enableTls, expected) => {
    const options = enableTls === undefined ? { brokerUrl } : { brokerUrl, enableTls };
    expect(resolveOptions(options).tlsEnabled).toBe(expected);
  });

  it('takes the spaces around a broker URL off, which whoever typed it does not see', () => {
    expect(resolveOptions({ brokerUrl: ' mqtts://broker:8883\n' }).brokerUrl).toBe('mqtts://broker:8883');
  });

  it('copies the options, so that later changes to them do not matter', () => {
    const options = { queue: { maxMessages: 5 } };
    const resolved = resolveOptions(options);
    options.queue.maxMessages = 6;
    expect(resolved.queue.maxMessages).toBe(5);
  });
});
