import { describe, expect, it } from 'vitest';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import type { SyncApplication } from '../helpers/sync-application.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';
import { FaultReceiver, type ReceiverJudge } from './ends/fault-receiver.js';
import { FaultShore, PATIENT_BROKER } from './oracle/fault-shore.js';
import { Oracle } from './oracle/oracle.js';
import { scale, scaledMs } from './scale.js';
import { Crew, statisticsOf } from './ship/crew.js';
import { conclude } from './summary/record.js';
import { delivered, faultApplication, scaleClock, seeded, withQos } from './witness/fault-application.js';
import { type Step, type Witnessed, WitnessBroker } from './witness/witness-broker.js';

const isShort = scale.name === 'short';
const CUTS = isShort ? 6 : 60;
/** What the acknowledgement timer waits for an answer, and some more for the machine. */
const ACKNOWLEDGEMENT_TIMER_MS = 15_000;
/** 352 kbit/s. */
const IRIDIUM_BYTES_PER_SECOND = 44_000;

/** An application, a link that can be spoilt, and a listener beyond it. */
class LinkScene {
  readonly oracle = new Oracle();

  private constructor(
    readonly link: TcpProxy,
    readonly application: SyncApplication,
    readonly crew: Crew,
    readonly shore: FaultShore,
    private readonly receiver: ReceiverJudge,
    oracle: Oracle,
  ) {
    this.oracle = oracle;
  }

  static async set({ size }: { readonly size?: number } = {}): Promise<LinkScene> {
    const oracle = new Oracle();
    const broker = await Mosquitto.start({ config: PATIENT_BROKER });
    const shore = await FaultShore.listen(broker.url, oracle);
    const receiver = await FaultReceiver.attach(broker.url, oracle);
    const link = await TcpProxy.start(broker.port);
    const application = await faultApplication(oracle, { brokerUrl: link.url });
    await application.connected();
    const crew = new Crew(application.publisher, oracle, size === undefined ? {} : { size });
    return new LinkScene(link, application, crew, shore, receiver, oracle);
  }

  /** Waits until everything is through, and judges. */
  async conclude(name: string, rounds = 1, deadlineMs = 120_000): Promise<void> {
    await this.application.drained(deadlineMs);
    await this.shore.settled(this.oracle);
    this.oracle.counters(statisticsOf(this.application));
    conclude(await this.receiver.judge(this.oracle.report({ name, rounds, everyArrivalIsPromised: true })));
  }
}

/** Resolves when so much time has passed: the fault itself takes it. */
async function lasting(ms: number): Promise<void> {
  const overMs = performance.now() + ms;
  await until(() => performance.now() >= overMs, { deadlineMs: ms + 10_000, what: `${ms} ms of the fault` });
}

describe.each(['5', '3.1.1'] as const)('A link cut on MQTT %s', (protocol) => {
  const PLACES: readonly { readonly what: string; readonly qos: 1 | 2; readonly step: Step }[] = [
    { what: 'before the PUBLISH of QoS 1 reaches the broker', qos: 1, step: 'publish' },
    { what: 'between PUBLISH and PUBACK', qos: 1, step: 'passed_on' },
    { what: 'before the PUBLISH of QoS 2 reaches the broker', qos: 2, step: 'publish' },
    { what: 'between PUBLISH and PUBREC', qos: 2, step: 'passed_on' },
    { what: 'between PUBREC and PUBREL', qos: 2, step: 'pubrel' },
    { what: 'between PUBREL and PUBCOMP', qos: 2, step: 'released' },
  ];
  // On 3.1.1 nothing is sent with QoS 2.
  it.each(PLACES.filter(({ qos }) => protocol === '5' || qos === 1))(
    '$what loses nothing and keeps the order, with and without the session',
    async ({ what, qos, step }) => {
      const oracle = new Oracle();
      const hit = new Set<string>();
      let sincePrevious = 0;
      const at = (now: Step, { envelope, packet }: Witnessed) => {
        if (now !== step || packet.qos !== qos || envelope.type !== 'data_change') return undefined;
        // Each time another message, so that none looks like a culprit.
        if (hit.size >= CUTS || hit.has(envelope.messageId) || ++sincePrevious % 9 !== 0) return undefined;
        hit.add(envelope.messageId);
        return 'cut' as const;
      };
      // Session Present is 1 and 0 in turn.
      const keepsSession = (connection: number) => connection % 2 === 0;
      const broker = await WitnessBroker.start(oracle, { at, keepsSession, only311: protocol === '3.1.1' });
      const application = await faultApplication(oracle, { brokerUrl: broker.url, protocol });
      const crew = new Crew(withQos(application.publisher, 'mixed'), oracle);
      while (hit.size < CUTS) {
        await crew.publish(100);
        await application.drained();
      }
      await delivered(application, oracle);
      expect(application.status.statistics.deadLettered).toBe(0);
      conclude(oracle.report({ name: `cut ${what}, ${protocol}`, rounds: hit.size, everyArrivalIsPromised: true }));
    },
  );
});

describe('A broker beyond a bad link', () => {
  it('gets everything in order when 2 % of the packets kill their connection', async () => {
    const oracle = new Oracle();
    const random = seeded(42);
    const at = (step: Step) => (step === 'publish' && random() < 0.02 ? ('cut' as const) : undefined);
    const broker = await WitnessBroker.start(oracle, { at, keepsSession: () => random() < 0.5 });
    const application = await faultApplication(oracle, { brokerUrl: broker.url });
    const crew = new Crew(withQos(application.publisher, 'mixed'), oracle);
    for (let piece = 0; piece < (isShort ? 10 : 60); piece++) {
      await crew.publish(50);
      await application.drained();
    }
    await delivered(application, oracle);
    expect(application.status.statistics.deadLettered).toBe(0);
    conclude(
      oracle.report({ name: '2 % of packets kill the connection', rounds: broker.broker.connections.length - 1 }),
    );
  });

  it('may answer byte by byte', async () => {
    const oracle = new Oracle();
    const broker = await WitnessBroker.start(oracle, { trickles: true });
    const application = await faultApplication(oracle, { brokerUrl: broker.url });
    await new Crew(application.publisher, oracle).publish(isShort ? 300 : 3000);
    await delivered(application, oracle);
    conclude(oracle.report({ name: 'acknowledgements byte by byte', everyArrivalIsPromised: true }));
  });

  it.each([
    ['at once', 0],
    ['beside a trickle of new changes', 5000],
  ])('is left when it answers pings and acknowledges nothing any more, %s', async (what, everyMs) => {
    scaleClock();
    const oracle = new Oracle();
    const script: WitnessBroker['script'] = {};
    const broker = await WitnessBroker.start(oracle, script);
    const application = await faultApplication(oracle, { brokerUrl: broker.url, keepaliveS: 1 });
    const crew = new Crew(application.publisher, oracle);
    await crew.publish(50);
    await application.drained();
    script.at = (step) => (step === 'passed_on' || step === 'released' ? 'silence' : undefined);
    const begunMs = performance.now();
    const connections = broker.broker.connections.length;
    await crew.publish(50);
    // Slow enough that the window never fills, fast enough that something is always being written.
    let nextMs = begunMs;
    const left = () => broker.broker.connections.length > connections;
    const deadlineMs = 3 * scaledMs(ACKNOWLEDGEMENT_TIMER_MS) + 5000;
    while (!left() && performance.now() - begunMs < deadlineMs) {
      if (everyMs > 0 && performance.now() >= nextMs) {
        await crew.publish(1);
        nextMs += scaledMs(everyMs);
      }
      await lasting(10);
    }
    const noticedMs = performance.now() - begunMs;
    delete script.at;
    expect(noticedMs).toBeLessThan(2 * scaledMs(ACKNOWLEDGEMENT_TIMER_MS) + 5000);
    expect(broker.broker.packets('pingreq').length).toBeGreaterThan(0);
    await delivered(application, oracle);
    const notes = [`noticed after ${Math.round(noticedMs)} ms`];
    conclude(oracle.report({ name: `no acknowledgements, ${what}`, everyArrivalIsPromised: true, notes }));
  });
});

describeWithMosquitto('A bad link to Mosquitto', () => {
  it.each([1, 2, 'mixed'] as const)(
    'that is cut under load loses nothing and keeps the order (QoS %s)',
    async (qos) => {
      const scene = await LinkScene.set();
      const { link, application, oracle } = scene;
      const crew = new Crew(withQos(application.publisher, qos), oracle);
      for (let cut = 0; cut < CUTS; cut++) {
        await application.connected();
        const publishing = crew.publish(200);
        const some = (cut * 37) % 190;
        const before = application.status.statistics.messagesPublished;
        await until(() => application.status.statistics.messagesPublished - before >= some, {
          what: `${some} deliveries`,
        });
        link.cut();
        await publishing;
      }
      await scene.conclude(`cut under load, QoS ${qos}`, CUTS);
    },
  );

  it('that loses every acknowledgement before it is cut only makes duplicates', async () => {
    const scene = await LinkScene.set();
    const { link, crew, application, oracle } = scene;
    const rounds = isShort ? 4 : 20;
    for (let round = 0; round < rounds; round++) {
      await application.connected();
      link.blackHole(['down']);
      const before = oracle.arrivals;
      await crew.publish(200);
      await until(() => oracle.arrivals >= before + 50, { what: 'some on shore' });
      link.cut();
      link.heal();
      await application.drained();
    }
    await scene.conclude('acknowledgements lost', rounds);
  });

  it('that is half-open for minutes is noticed, and everything arrives when it heals', async () => {
    scaleClock();
    const scene = await LinkScene.set();
    const { link, crew, application } = scene;
    await crew.publish(500);
    // So that the rate is known: before the first acknowledgement the slowest link is assumed, and given its time.
    await application.drained();
    link.blackHole();
    const begunMs = performance.now();
    await crew.publish(500);
    await until(() => !application.status.connected, {
      // On a busy machine the measured rate is low, and the timer gives what is on the way three times as long.
      deadlineMs: scaledMs(180_000) + 15_000,
      what: 'the half-open link to be noticed',
    });
    const noticedMs = performance.now() - begunMs;
    expect(noticedMs).toBeGreaterThan(scaledMs(ACKNOWLEDGEMENT_TIMER_MS) / 2);
    await lasting(Math.max(0, scaledMs(180_000) / (isShort ? 3 : 1) - noticedMs));
    link.heal();
    await scene.conclude('half-open for minutes, then healed');
  });

  it('with gaps of 70 s at 352 kbit/s carries everything in order', async () => {
    scaleClock();
    const scene = await LinkScene.set({ size: 1000 });
    const { link, crew, application } = scene;
    link.quality.up.bytesPerSecond = link.quality.down.bytesPerSecond = IRIDIUM_BYTES_PER_SECOND * scale.hurry;
    link.quality.up.delayMs = link.quality.down.delayMs = scaledMs(300);
    const gaps = isShort ? 1 : 4;
    // Enough for the link to be busy in between: 20 s of it for each gap.
    await crew.publish(Math.round((gaps * 20 * IRIDIUM_BYTES_PER_SECOND) / 1400));
    for (let gap = 0; gap < gaps; gap++) {
      await lasting(scaledMs(10_000));
      link.blackHole();
      await lasting(scaledMs(70_000));
      link.heal();
    }
    expect(application.status.queue.messages).toBeGreaterThan(0);
    await scene.conclude('352 kbit/s with gaps of 70 s', gaps, 600_000);
  });

  it('with a round trip of 600 ms is filled, not used a message at a time', async () => {
    const scene = await LinkScene.set();
    const { link, crew } = scene;
    link.quality.up.delayMs = link.quality.down.delayMs = 300;
    const begunMs = performance.now();
    const count = isShort ? 1000 : 6000;
    await crew.publish(count);
    await scene.application.drained(550_000);
    const secondsTaken = (performance.now() - begunMs) / 1000;
    await scene.conclude('600 ms round trip');
    // One at a time takes 0.6 s each; on an idle machine the window makes it a hundred times as fast.
    expect(secondsTaken).toBeLessThan((count * 0.6) / 10);
  });

  it('with a delay that jitters by more than itself, cut now and then, keeps the order', async () => {
    const scene = await LinkScene.set();
    const { link, application, oracle } = scene;
    const crew = new Crew(withQos(application.publisher, 'mixed'), oracle);
    for (const direction of [link.quality.up, link.quality.down])
      Object.assign(direction, { delayMs: 5, jitterMs: 60 });
    for (let cut = 0; cut < CUTS; cut++) {
      await application.connected();
      const { statistics } = application.status;
      const before = statistics.messagesPublished;
      const publishing = crew.publish(200);
      await until(() => statistics.messagesPublished - before >= (cut * 37) % 190, { what: 'some deliveries' });
      link.cut();
      await publishing;
    }
    await scene.conclude('jitter, cut under load', CUTS);
  });

  it('that swallows everything for a while and heals makes no storm of connections', async () => {
    scaleClock();
    const scene = await LinkScene.set();
    const { link, crew, application } = scene;
    const rounds = isShort ? 1 : 5;
    const before = link.connectionsAccepted;
    for (let round = 0; round < rounds; round++) {
      link.blackHole();
      await crew.publish(200);
      await until(() => !application.status.connected, {
        // The rate of a new connection is not known yet, and the slowest is assumed.
        deadlineMs: 8 * scaledMs(ACKNOWLEDGEMENT_TIMER_MS) + 3000,
        what: 'the black hole to be noticed',
      });
      await lasting(scaledMs(30_000));
      link.heal();
      await until(() => application.status.connected, { deadlineMs: 60_000, what: 'the link to be back' });
    }
    // Half a minute of hole is two connect timeouts and the pauses between them.
    expect(link.connectionsAccepted - before).toBeLessThan(rounds * 12);
    await scene.conclude('black hole, then healed', rounds);
  });
});
