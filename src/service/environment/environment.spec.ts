import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { resolveOptions } from '../../mqtt-sync/resolve-options.js';
import { EnvironmentError, readEnvironment } from './environment.js';
import { VARIABLES } from './variables.js';

function faultsOf(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  try {
    readEnvironment(env);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    return Object.fromEntries(error.faults.map(({ variable, message }) => [variable, message]));
  }
  throw new Error('The environment was accepted.');
}

describe('readEnvironment', () => {
  it('takes every default from an empty environment', () => {
    const { resolved, settings, secrets } = readEnvironment({});
    expect(resolved).toEqual(resolveOptions({}));
    expect(settings).toEqual({ port: 5000, host: '0.0.0.0', healthRateLimit: 60, logLevel: 'info' });
    expect(secrets).toEqual([]);
  });

  it('maps every variable', () => {
    const { resolved, settings } = readEnvironment({
      MQTT_BROKER_URL: 'mqtts://broker.example:8884',
      MQTT_USERNAME: 'ship',
      MQTT_PASSWORD: 'wheelhouse',
      MQTT_PASSWORD_FILE: '/run/secrets/mqtt',
      MQTT_TLS_REJECT_UNAUTHORIZED: 'false',
      MQTT_TLS_CA_FILE: 'ca.pem',
      MQTT_TLS_CERT_FILE: 'cert.pem',
      MQTT_TLS_KEY_FILE: 'key.pem',
      MQTT_PROTOCOL: '3.1.1',
      MQTT_RESUME_SESSION: 'false',
      MQTT_KEEPALIVE_S: '120',
      MQTT_RECONNECT_MAX_S: '30',
      VESSEL_ID: 'mv-aurora',
      MQTT_TOPIC_PREFIX: 'fleet/{vesselId}/up',
      MQTT_INBOUND_PREFIX: 'fleet/{vesselId}/down',
      LOCAL_MODE: 'TRUE',
      MQTT_QUEUE_STORE: 'memory',
      MQTT_QUEUE_DIR: '/data/queue',
      MQTT_MAX_QUEUE_SIZE: '500',
      MQTT_MAX_QUEUE_BYTES: '1000000',
      MQTT_MAX_MESSAGE_BYTES: '2048',
      MQTT_OVERFLOW_POLICY: 'reject',
      MQTT_INFLIGHT_WINDOW: '20',
      HEALTH_MAX_AGE_S: '60',
      SHUTDOWN_DEADLINE_MS: '2000',
      PORT: '0',
      HOST: '::1',
      SYNC_INGRESS_TOKEN: 'harbour-light',
      SYNC_TCP_PORT: '4000',
      HEALTH_RATE_LIMIT: '7',
      LOG_LEVEL: 'debug',
      LOG_LEVELS: 'MqttSync.connection=verbose, Http=error',
    });
    expect(resolved).toMatchObject({
      brokerUrl: 'mqtts://broker.example:8884',
      username: 'ship',
      password: 'wheelhouse',
      passwordFile: '/run/secrets/mqtt',
      tls: { rejectUnauthorized: false, caFile: 'ca.pem', certFile: 'cert.pem', keyFile: 'key.pem' },
      tlsEnabled: true,
      protocol: '3.1.1',
      resumeSession: false,
      keepaliveS: 120,
      reconnectMaxS: 30,
      vesselId: 'mv-aurora',
      vesselIdIsExplicit: true,
      topicPrefix: 'fleet/{vesselId}/up',
      inboundPrefix: 'fleet/{vesselId}/down',
      localMode: true,
      queue: { store: 'memory', dir: '/data/queue', maxMessages: 500, maxBytes: 1_000_000, overflowPolicy: 'reject' },
      maxMessageBytes: 2048,
      inflightWindow: 20,
      healthMaxAgeS: 60,
      shutdownDeadlineMs: 2000,
    });
    expect(settings).toEqual({
      port: 0,
      host: '::1',
      ingressToken: 'harbour-light',
      tcpPort: 4000,
      healthRateLimit: 7,
      logLevel: 'debug',
      logLevels: { 'MqttSync.connection': 'verbose', Http: 'error' },
    });
  });

  it('takes the spaces around a text off, but for secrets, which may have them', () => {
    const { resolved, settings, secrets } = readEnvironment({
      MQTT_BROKER_URL: '\u00a0MQTTS://ship:an%20chor@broker.example ',
      MQTT_USERNAME: ' ship',
      MQTT_PASSWORD: ' wheelhouse ',
      MQTT_TLS_CA_FILE: 'ca.pem\r',
      HOST: ' 127.0.0.1 ',
    });
    expect(resolved).toMatchObject({ username: 'ship', password: ' wheelhouse ', tls: { caFile: 'ca.pem' } });
    expect([resolved.tlsEnabled, settings.host]).toEqual([true, '127.0.0.1']);
    expect(secrets).toEqual(expect.arrayContaining([' wheelhouse ', 'an chor', 'an%20chor']));
  });

  it('refuses what is nothing but spaces, rather than to do without the file or the user name', () => {
    const names = VARIABLES.filter(({ isSecret }) => !isSecret).map(({ name }) => name);
    const faults = faultsOf(Object.fromEntries(names.map((name) => [name, ' \r'])));
    expect(Object.keys(faults).sort()).toEqual([...names].sort());
    expect([...new Set(Object.values(faults))]).toEqual(['is nothing but spaces: give it a value, or leave it out']);
  });

  it('says what is wrong with a prefix in our own words', () => {
    expect(faultsOf({ MQTT_TOPIC_PREFIX: 'x'.repeat(257) })).toEqual({
      MQTT_TOPIC_PREFIX: 'expected 1 to 256 characters',
    });
  });

  it.each([
    { MQTT_PASSWORD: 'wheelhouse' },
    { MQTT_PASSWORD_FILE: '/run/secrets/mqtt' },
    { MQTT_BROKER_URL: 'mqtt://:wheelhouse@broker.example' },
  ])('refuses a password without a user name, which would never be sent (%j)', (given) => {
    expect(faultsOf(given)).toEqual({
      MQTT_USERNAME: 'is missing: a password is given, here or in the URL, and cannot be sent without a user name',
    });
  });

  it('refuses nonsense in any variable that takes a number or a flag, by its name', () => {
    const numeric = VARIABLES.filter(({ byDefault }) => /^\d+$|^(true|off)$/.test(byDefault));
    const faults = faultsOf(Object.fromEntries(numeric.map(({ name }) => [name, 'nonsense'])));
    expect(Object.keys(faults).sort()).toEqual(numeric.map(({ name }) => name).sort());
  });

  it('names every bad variable at once, whoever finds it bad', () => {
    const faults = faultsOf({
      MQTT_MAX_QUEUE_SIZE: 'abc',
      MQTT_INFLIGHT_WINDOW: '0',
      MQTT_BROKER_URL: 'http://broker.example',
      MQTT_OVERFLOW_POLICY: 'forget',
      PORT: '70000',
      LOG_LEVEL: 'loud',
      LOCAL_MODE: 'maybe',
      SYNC_INGRESS_TOKEN: 'with space',
      VESSEL_ID: 'a/b',
    });
    expect(faults).toEqual({
      MQTT_MAX_QUEUE_SIZE: 'expected a whole number',
      MQTT_INFLIGHT_WINDOW: 'expected a whole number from 1 to 65535',
      MQTT_BROKER_URL: expect.stringContaining('mqtt, mqtts, ws or wss') as string,
      MQTT_OVERFLOW_POLICY: 'expected one of drop-oldest, drop-lowest-priority, reject',
      PORT: 'expected 0 to 65535',
      LOG_LEVEL: 'expected one of fatal, error, warn, info, debug, verbose',
      LOCAL_MODE: 'expected true or false',
      SYNC_INGRESS_TOKEN: expect.stringContaining('bearer token') as string,
      VESSEL_ID: expect.stringContaining('letters') as string,
    });
  });

  it('speaks of variables where a rule of the options is about two of them', () => {
    expect(faultsOf({ MQTT_TLS_CERT_FILE: 'cert.pem' })).toEqual({
      'MQTT_TLS_CERT_FILE, MQTT_TLS_KEY_FILE': 'MQTT_TLS_CERT_FILE and MQTT_TLS_KEY_FILE go together',
    });
    expect(faultsOf({ MQTT_MAX_MESSAGE_BYTES: '4096', MQTT_MAX_QUEUE_BYTES: '2048' })).toEqual({
      MQTT_MAX_MESSAGE_BYTES: 'must not exceed MQTT_MAX_QUEUE_BYTES',
    });
  });

  it('never repeats a value', () => {
    const text = JSON.stringify(
      faultsOf({
        MQTT_BROKER_URL: 'http://ship:anchor@broker.example',
        SYNC_INGRESS_TOKEN: 'to ken',
        MQTT_MAX_QUEUE_SIZE: 'anchor',
        MQTT_PROTOCOL: 'anchor',
      }),
    );
    expect(text).not.toMatch(/anchor|to ken/);
  });

  it('takes an empty variable as unset and ignores variables it does not know', () => {
    const { resolved, settings } = readEnvironment({ PORT: '', MQTT_QUEUE_DIR: '', MQTT_FANCY: 'x', __proto__: 'y' });
    expect(settings.port).toBe(5000);
    expect(resolved.queue.dir).toBe('.mqtt-queue');
  });

  it('knows the secrets, as they stand in the broker URL and decoded', () => {
    const { secrets } = readEnvironment({
      MQTT_BROKER_URL: 'mqtt://ship:p%40ssage@broker.example',
      MQTT_PASSWORD: 'wheelhouse',
      SYNC_INGRESS_TOKEN: 'harbour-light',
    });
    expect([...secrets].sort()).toEqual(['harbour-light', 'p%40ssage', 'p@ssage', 'wheelhouse']);
  });

  describe('with the token in a file', () => {
    function fileWith(text: string): string {
      const folder = mkdtempSync(join(tmpdir(), 'arus-environment-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const file = join(folder, 'token');
      writeFileSync(file, text);
      return file;
    }

    it('takes its first line, also where the variable has another one, and keeps it secret', () => {
      const { settings, secrets } = readEnvironment({
        SYNC_INGRESS_TOKEN: 'old-light',
        SYNC_INGRESS_TOKEN_FILE: fileWith('harbour-light\nnot this\n'),
      });
      expect(settings.ingressToken).toBe('harbour-light');
      expect(secrets).toContain('harbour-light');
    });

    it('refuses a file that is not there, or holds no token, and says which', () => {
      expect(faultsOf({ SYNC_INGRESS_TOKEN_FILE: '/nowhere/token' })).toEqual({
        SYNC_INGRESS_TOKEN_FILE: '/nowhere/token cannot be read (ENOENT)',
      });
      for (const text of ['', '\n', '   \nharbour-light']) {
        const file = fileWith(text);
        expect(faultsOf({ SYNC_INGRESS_TOKEN_FILE: file })).toEqual({
          SYNC_INGRESS_TOKEN_FILE: `the first line of ${file} is empty: it must hold the token, such as \`openssl rand -hex 32\` makes`,
        });
      }
      const file = fileWith('har bour\n');
      const { SYNC_INGRESS_TOKEN_FILE: fault, ...others } = faultsOf({ SYNC_INGRESS_TOKEN_FILE: file });
      expect(fault).toMatch(/^the first line of .* expected letters, .*\(a bearer token\)/);
      expect([fault!.includes(file), others]).toEqual([true, {}]);
    });

    it('does not blame the file for what the variable has', () => {
      expect(faultsOf({ SYNC_INGRESS_TOKEN: 'har bour', SYNC_INGRESS_TOKEN_FILE: '/nowhere/token' })).toEqual({
        SYNC_INGRESS_TOKEN_FILE: '/nowhere/token cannot be read (ENOENT)',
      });
    });
  });
});
