import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readEnvironment } from '../../src/service/environment/environment.js';
import { serviceSettings } from '../../src/service/service-settings.js';
import { unknownVariables } from '../helpers/deployed-names.js';
import { routes } from '../helpers/deployed-routes.js';
import { PROJECT } from '../helpers/documented-commands.js';
import { kubernetesFaults } from '../helpers/kubernetes-types.js';
import { projectText, projectYaml } from '../helpers/project-files.js';

const PORT = serviceSettings.parse({}).port;

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
      readonly metadata: { readonly annotations: Readonly<Record<string, string>>; readonly labels: object };
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

interface Service {
  readonly spec: { readonly selector: Readonly<Record<string, string>>; readonly ports: readonly object[] };
}

interface NetworkPolicy {
  readonly spec: {
    readonly podSelector: { readonly matchLabels: object };
    readonly ingress: readonly { readonly ports: readonly { port: string }[] }[];
    readonly egress: readonly { readonly ports: readonly { port: number }[] }[];
  };
}

/** Files that the kustomization does not apply. */
const BESIDE = ['secret.example.yaml', 'queue-pod.yaml'];

describe('the Kubernetes manifests', () => {
  const folder = 'deploy/kubernetes';
  const kustomization = projectYaml(`${folder}/kustomization.yaml`) as {
    resources: string[];
    images: { name: string; newTag: string }[];
    labels: { pairs: Record<string, string>; includeTemplates: boolean }[];
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

  it('reach the service at its port, under its labels, and let it reach its broker', () => {
    const { selector, ports } = (projectYaml(`${folder}/service.yaml`) as Service).spec;
    expect(Object.keys(selector)).not.toEqual([]);
    expect(template.metadata.labels).toMatchObject(selector);
    expect(ports).toEqual([{ name: 'http', port: PORT, targetPort: container.ports[0]!.name }]);
    const policy = (projectYaml(`${folder}/network-policy.yaml`) as NetworkPolicy).spec;
    expect(policy.podSelector.matchLabels).toEqual(selector);
    expect(policy.ingress.flatMap((rule) => rule.ports)).toEqual([{ port: container.ports[0]!.name }]);
    const open = policy.egress.flatMap((rule) => rule.ports.map(({ port }) => port));
    expect(open).toContain(Number(new URL(settings['MQTT_BROKER_URL']!).port));
  });

  it('are what the API takes', () => {
    const apis: Readonly<Record<string, string>> = {
      v1: 'core/v1',
      'apps/v1': 'apps/v1',
      'networking.k8s.io/v1': 'networking/v1',
    };
    const files = [...kustomization.resources, ...BESIDE];
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
    const others = ['kustomization.yaml', ...BESIDE];
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
    expect((projectYaml('docker-compose.yml') as { services: { sync: { image: string } } }).services.sync.image).toBe(
      container.image,
    );
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

  it('give Prometheus what it finds the pod and its vessel by', () => {
    const [{ pairs, includeTemplates }] = kustomization.labels as [(typeof kustomization.labels)[number]];
    expect([pairs['vessel'], includeTemplates]).toEqual([settings['VESSEL_ID'], true]);
    const { scrape_configs: jobs } = projectYaml('deploy/prometheus/kubernetes.yml') as {
      scrape_configs: { job_name: string; relabel_configs: { source_labels: string[]; target_label?: string }[] }[];
    };
    const { scrape_configs: plain } = projectYaml('deploy/prometheus/prometheus.yml') as typeof jobs & {
      scrape_configs: { job_name: string }[];
    };
    expect(jobs.map(({ job_name: name }) => name)).toEqual(plain.map(({ job_name: name }) => name));
    const sources = jobs[0]!.relabel_configs.flatMap(({ source_labels: labels }) => labels);
    const metaOf = (kind: string, name: string) => `__meta_kubernetes_pod_${kind}_${name.replaceAll(/[^\w]/g, '_')}`;
    const given = [
      ...Object.keys(pairs).map((name) => metaOf('label', name)),
      ...Object.keys(template.metadata.annotations).map((name) => metaOf('annotation', name)),
    ];
    const wanted = sources.filter((name) => /_(label|annotation)_/.test(name));
    expect(wanted.filter((name) => !given.includes(name))).toEqual([]);
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

  it('have a pod for the queue, of the same user, image and claim as the service', () => {
    const { spec } = projectYaml(`${folder}/queue-pod.yaml`) as {
      spec: {
        containers: [{ image: string; volumeMounts: { name: string; mountPath: string }[] }];
        securityContext: object;
        volumes: { name: string; persistentVolumeClaim?: { claimName: string } }[];
      };
    };
    const [{ name, newTag }] = kustomization.images as [{ name: string; newTag: string }];
    const [{ image, volumeMounts }] = spec.containers;
    expect(image).toBe(`${name}:${newTag}`);
    expect(spec.securityContext).toEqual(template.spec.securityContext);
    expect(volumeMounts[0]!.mountPath).toBe(container.env.find((each) => each.name === 'MQTT_QUEUE_DIR')?.value);
    // A claim of a StatefulSet is called after its template, the set and the number of the pod.
    const set = (projectYaml(`${folder}/statefulset.yaml`) as { metadata: { name: string } }).metadata.name;
    expect(spec.volumes[0]?.persistentVolumeClaim?.claimName).toBe(
      `${volumeClaimTemplates[0]!.metadata.name}-${set}-0`,
    );
  });
});
