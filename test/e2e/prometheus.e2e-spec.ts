import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findMosquitto } from '../helpers/mosquitto-process.js';
import { Mosquitto } from '../helpers/mosquitto.js';
import {
  dashboardExpressions,
  readAlertRules,
  ruleExpressions,
  selectorsOf,
  variableLabels,
} from '../helpers/observability/deployed.js';
import { Prometheus, PROMETHEUS, type Series, type TimeRange } from '../helpers/observability/prometheus.js';
import { freePort } from '../helpers/ports.js';
import { describeWith } from '../helpers/programs.js';
import { type Environment, ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { until } from '../helpers/wait.js';

/** The outage takes about half a minute where the machine is idle. */
const TIMEOUT_MS = 180_000;

const VESSEL = 'mv-test';
/** A second target, the same service with the label of another ship, as somebody may get it wrong. */
const WRONG_LABEL = 'mv-other';
const QUEUE_LIMIT = 60;
const OVERFLOW = 15;

/** What the outage must set off. */
const EXPECTED_ALERTS = [
  'ArusSyncDeadLetters',
  'ArusSyncDropping',
  'ArusSyncNotConnected',
  'ArusSyncNotScraped',
  'ArusSyncQueueAlmostFull',
  'ArusSyncQueueFilling',
  'ArusSyncQueueFullSoon',
  'ArusSyncVesselMislabelled',
];

/** What is not repaired at the end, and told again after the restart. */
const LASTING_ALERTS = ['ArusSyncDeadLetters', 'ArusSyncDropping', 'ArusSyncVesselMislabelled'];

/** Rules whose expression has no result during this outage, and why. Their tests are those of promtool. */
const MAY_BE_EMPTY: Readonly<Record<string, string>> = {
  ArusSyncAbsent: 'there are targets all the time, but for the moment before the first scrape',
  ArusSyncRestarting: 'one restart is none too many',
  ArusSyncNotAccepting: 'the disk does not fill up',
  ArusSyncStoreSlow: 'the disk is as good as the machine has it',
  ArusSyncTurnedOff: 'sync is on',
  ArusSyncFlapping: 'there are three connections, not eleven within half an hour',
  ArusSyncStalled: 'what waits is delivered as soon as there is a connection',
  ArusSyncHeldBack: 'the broker has no quota',
  ArusSyncBacklogOld: 'nothing waits for six hours',
  ArusSyncReceiverNotConnected: 'nothing is subscribed',
  ArusSyncSubscriptionRefused: 'nothing is subscribed',
  ArusSyncRequestsRefused: 'the broker lets the ship read what it asks for',
  ArusSyncInboxUnavailable: 'nothing is subscribed',
  ArusSyncParked: 'nothing comes in',
  ArusSyncMissing: 'nothing comes in',
  ArusSyncLostBySender: 'nothing comes in',
  ArusSyncStoreSetAside: 'no store is damaged',
  ArusSyncStoreMessagesMissing: 'no store is damaged',
  ArusSyncDeadLettersDiscarded: 'there are not more dead letters than are kept',
  ArusSyncUntoldGaps: 'the connection is not up for a quarter of an hour',
};

const now = () => Date.now() / 1000;
const hasValue = (series: readonly Series[]) =>
  series.some(({ values }) => values.some((value) => !Number.isNaN(value)));
const firing = (alert: string) => `ALERTS{alertname="${alert}",alertstate="firing"}`;
const ofVessel = (metric: string) => `${metric}{vessel="${VESSEL}"}`;

function changes(entity: string, count: number) {
  return Array.from({ length: count }, (_, number) => ({
    ...{ entity, operation: 'update', key: `${entity}-${number}` },
    data: { id: `${entity}-${number}`, status: 'open' },
  }));
}

/** A broker that does not let the ship write to one topic. */
function brokerWithAccessList(): Promise<Mosquitto> {
  return Mosquitto.start({
    config: (folder) => {
      const file = join(folder, 'acl');
      writeFileSync(file, 'topic deny vessel/sync/crew\ntopic readwrite #\n', { mode: 0o600 });
      return `allow_anonymous true\nmax_queued_messages 1000\nacl_file ${file}`;
    },
  });
}

/** A day at sea in half a minute: each step is over when Prometheus has seen it. */
class Outage {
  constructor(
    private readonly broker: Mosquitto,
    private service: ServiceProcess,
    private readonly env: Environment,
    private readonly prometheus: Prometheus,
  ) {}

  async steady(): Promise<void> {
    for (const [round, entity] of ['work_orders', 'alerts', 'equipment'].entries()) {
      await this.service.post(changes(entity, 5));
      await this.prometheus.untilTrue(`sum(${ofVessel('arus_mqtt_messages_published_total')}) >= ${5 * (round + 1)}`);
    }
  }

  async deadLetter(): Promise<void> {
    await this.service.post(changes('crew', 1));
    await this.prometheus.untilTrue(firing('ArusSyncDeadLetters'));
  }

  async backlogAndOverflow(): Promise<void> {
    await this.broker.kill();
    await this.prometheus.untilTrue(`${ofVessel('arus_mqtt_connection_status')} == 0`);
    const batch = QUEUE_LIMIT / 4;
    for (let queued = batch; queued <= QUEUE_LIMIT; queued += batch) {
      await this.service.post(changes('work_orders', batch));
      await this.prometheus.untilTrue(`${ofVessel('arus_mqtt_queue_depth')} >= ${queued}`);
    }
    await this.service.post(changes('alerts', OVERFLOW));
    for (const alert of ['Dropping', 'NotConnected', 'QueueAlmostFull', 'QueueFilling', 'QueueFullSoon']) {
      await this.prometheus.untilTrue(firing(`ArusSync${alert}`));
    }
  }

  async drained(): Promise<void> {
    await this.broker.restart();
    await this.prometheus.untilTrue(`${ofVessel('arus_mqtt_queue_depth')} == 0`, 40_000);
    await this.prometheus.untilTrue(`${ofVessel('arus_mqtt_queue_flushes_total')} > 0`);
    await this.prometheus.untilTrue(`min_over_time(deriv(${ofVessel('arus_mqtt_queue_depth')}[5s])[1m:500ms]) < 0`);
  }

  async restart(): Promise<void> {
    this.service.signal('SIGTERM');
    await this.service.exit();
    await this.prometheus.untilTrue(firing('ArusSyncNotScraped'));
    this.service = await ServiceProcess.start(this.env);
    await this.prometheus.untilTrue(`${ofVessel('arus_mqtt_connection_status')} == 1`, 40_000);
    for (const alert of LASTING_ALERTS) await this.prometheus.untilTrue(firing(alert));
  }

  /** What the service itself has counted, next to what Prometheus has. */
  async counted(): Promise<Record<'published' | 'dropped' | 'queued', [service: number, prometheus: number]>> {
    const { messagesPublished, messagesDropped, messagesQueued } = (await this.service.health()).detailedMetrics;
    const read = async (metric: string) => (await this.prometheus.query(`sum(${ofVessel(metric)})`))[0]!.values[0]!;
    return {
      published: [messagesPublished, await read('arus_mqtt_messages_published_total')],
      dropped: [messagesDropped, await read('arus_mqtt_messages_dropped_total')],
      queued: [messagesQueued, await read('arus_mqtt_messages_queued_total')],
    };
  }
}

/** Sets the scene, and plays it. */
async function outage(): Promise<{ prometheus: Prometheus; range: TimeRange }> {
  const broker = await brokerWithAccessList();
  const port = await freePort();
  const env = {
    ...{ MQTT_BROKER_URL: broker.url, MQTT_QUEUE_DIR: temporaryFolder(), PORT: String(port), VESSEL_ID: VESSEL },
    ...{ MQTT_MAX_QUEUE_SIZE: String(QUEUE_LIMIT), MQTT_RECONNECT_MAX_S: '1', HEALTH_MAX_AGE_S: '2' },
  };
  const service = await ServiceProcess.start(env);
  const address = `127.0.0.1:${port}`;
  const start = now();
  const prometheus = await Prometheus.start([
    { address, vessel: VESSEL },
    { address, vessel: WRONG_LABEL },
  ]);
  const story = new Outage(broker, service, env, prometheus);
  await story.steady();
  await story.deadLetter();
  await story.backlogAndOverflow();
  await story.drained();
  expect(await story.counted()).toEqual({
    published: [15 + QUEUE_LIMIT, 15 + QUEUE_LIMIT],
    dropped: [OVERFLOW, OVERFLOW],
    queued: [QUEUE_LIMIT + OVERFLOW, QUEUE_LIMIT + OVERFLOW],
  });
  await story.restart();
  return { prometheus, range: { start, end: now() } };
}

describeWith({ prometheus: PROMETHEUS, mosquitto: findMosquitto() }, 'a real Prometheus during an outage', () => {
  it(
    'has an answer to every expression of dashboard and rules, and fires the alerts',
    { timeout: TIMEOUT_MS },
    async () => {
      const { prometheus, range } = await outage();

      const fired = await prometheus.queryRange('ALERTS{alertstate="firing"}', range);
      expect([...new Set(fired.map(({ metric }) => metric['alertname']))]).toEqual(
        expect.arrayContaining(EXPECTED_ALERTS),
      );
      const stillFiring = async () => {
        const still = await prometheus.query('ALERTS{alertstate="firing"}');
        return [...new Set(still.map(({ metric }) => metric['alertname']))].sort();
      };
      let firing: (string | undefined)[] = [];
      await until(async () => (firing = await stillFiring()).join() === [...LASTING_ALERTS].sort().join(), {
        what: () => `the lasting alerts alone to fire; ${firing.join()} do`,
      });

      const span = `${Math.ceil(range.end - range.start)}s`;
      const expressions = [
        ...dashboardExpressions({ __rate_interval: '5s', __range: span }),
        ...ruleExpressions().filter(({ where }) => MAY_BE_EMPTY[where.replace('alert ', '')] === undefined),
      ];
      const empty: string[] = [];
      for (const { where, expr } of expressions) {
        if (!hasValue(await prometheus.queryRange(expr, range))) empty.push(`${where}: ${expr}`);
      }
      expect(empty).toEqual([]);
      // The others need no result, but must be no error, and speak of series that there are.
      for (const { where, expr } of ruleExpressions()) {
        await prometheus.queryRange(expr, range);
        for (const selector of selectorsOf(expr)) {
          if (!hasValue(await prometheus.queryRange(selector, range))) empty.push(`${where}: ${selector}`);
        }
      }
      expect(empty).toEqual([]);
      expect(await Promise.all(variableLabels().map(({ label, of }) => prometheus.labelValues(label, of)))).toEqual([
        [VESSEL, WRONG_LABEL].sort(),
        [expect.stringMatching(/^127\.0\.0\.1:\d+$/)],
      ]);
      const known = readAlertRules().map(({ alert }) => alert);
      expect(known.sort()).toEqual([...new Set([...EXPECTED_ALERTS, ...Object.keys(MAY_BE_EMPTY)])].sort());
    },
  );
});
