import { expect, it } from 'vitest';
import { Alertmanager, ALERTMANAGER } from '../helpers/observability/alertmanager.js';
import { readAlertRules } from '../helpers/observability/deployed.js';
import { Prometheus, PROMETHEUS } from '../helpers/observability/prometheus.js';
import { freePort } from '../helpers/ports.js';
import { describeWith } from '../helpers/programs.js';
import { until } from '../helpers/wait.js';

const severities = new Map(readAlertRules().map(({ alert, labels }) => [alert, labels['severity']!]));

/** An alert of a vessel as its rule has it. */
const alertOf = (vessel: string, name: string) => {
  const alertname = `ArusSync${name}`;
  return { alertname, vessel, severity: severities.get(alertname)! };
};

describeWith({ alertmanager: ALERTMANAGER }, 'a real Alertmanager', () => {
  it('tells of what is critical and what is not in different places, and of what follows from another alert not at all', async () => {
    const alertmanager = await Alertmanager.start();
    const of = (vessel: string, ...names: readonly string[]) => names.map((name) => alertOf(vessel, name));
    await alertmanager.fire(
      ...of('aurora', 'NotScraped', 'Dropping', 'DeadLetters'),
      ...of('borealis', 'Dropping', 'QueueAlmostFull', 'QueueFilling', 'QueueFullSoon', 'DeadLetters'),
      ...of('celeste', 'NotConnected', 'BacklogOld', 'ReceiverNotConnected', 'QueueFilling'),
    );
    const told = () =>
      ['aurora', 'borealis', 'celeste'].map((vessel) => [
        alertmanager.namesFor('critical', vessel),
        alertmanager.namesFor('warning', vessel),
      ]);
    const expected = [
      [['ArusSyncNotScraped'], []],
      [['ArusSyncDropping', 'ArusSyncQueueAlmostFull'], ['ArusSyncDeadLetters']],
      [[], ['ArusSyncNotConnected', 'ArusSyncQueueFilling']],
    ];
    const count = expected.flat(2).length;
    await until(() => told().flat(2).length >= count, { what: () => JSON.stringify(told()), deadlineMs: 20_000 });
    // Each group waits as long as every other: when a later one is told, none of the earlier ones is still to come.
    await alertmanager.fire(...of('dorado', 'Parked'));
    const isTold = () => alertmanager.namesFor('warning', 'dorado').length > 0;
    await until(isTold, { what: 'the last alert', deadlineMs: 20_000 });
    expect(told()).toEqual(expected);
  });
});

describeWith({ alertmanager: ALERTMANAGER, prometheus: PROMETHEUS }, 'Prometheus and Alertmanager', () => {
  it('tell that a service does not answer, with a link that leads to the runbook', async () => {
    const alertmanager = await Alertmanager.start();
    const targets = [{ address: `127.0.0.1:${await freePort()}`, vessel: 'mv-test' }];
    const prometheus = await Prometheus.start(targets, { alertmanager: alertmanager.address });
    await until(() => alertmanager.namesFor('critical', 'mv-test').includes('ArusSyncNotScraped'), {
      what: () => `ArusSyncNotScraped; told: ${JSON.stringify(alertmanager.told)}`,
      deadlineMs: 40_000,
    });
    const { annotations } = alertmanager.told.find(({ labels }) => labels['alertname'] === 'ArusSyncNotScraped')!;
    const page = await prometheus.page(annotations['runbook_url']!);
    // A browser shows it, and does not save it.
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(await page.text()).toMatch(/^### ArusSyncNotScraped$/m);
  }, 60_000);
});
