import { Inject, Injectable, Logger, type OnModuleInit, RequestMethod, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

/** Injects the controller of one registration of the module. */
export const METRICS_CONTROLLER = Symbol('METRICS_CONTROLLER');

const logger = new Logger('MqttSync');

/**
 * Warns when another controller answers where the metrics are, which is `/metrics` for every `PrometheusModule` by default:
 * Nest asks only the one that was registered first, and says nothing of it.
 */
@Injectable()
export class SharedPathNotice implements OnModuleInit {
  constructor(
    private readonly modules: ModulesContainer,
    @Inject(METRICS_CONTROLLER) private readonly controller: Type,
  ) {}

  onModuleInit(): void {
    const [path] = pathsOf(this.controller);
    const rival = this.controllers().find((other) => other !== this.controller && answersAt(other, path!));
    if (!rival) return;
    logger.warn(
      `${rival.name} answers at /${path} as well as the metrics of the sync, and only one of the two is ever asked: ` +
        'give SyncMetricsModule.forRoot() another path.',
    );
  }

  private controllers(): Type[] {
    const wrappers = [...this.modules.values()].flatMap(({ controllers }) => [...controllers.values()]);
    return wrappers.flatMap(({ metatype }) => (metatype as Type | null) ?? []);
  }
}

/** Without the slashes around them, which Nest does not need either. */
function pathsOf(target: object): string[] {
  const paths = Reflect.getMetadata('path', target) as string | string[] | undefined;
  return [paths ?? []].flat().map((path) => path.replace(/^\/+|\/+$/g, ''));
}

function answersAt(controller: Type, path: string): boolean {
  return pathsOf(controller).includes(path) && handlersOf(controller).some((handler) => pathsOf(handler).includes(''));
}

/** Its methods that answer a GET, inherited ones included. */
function handlersOf(controller: Type): object[] {
  const handlers: object[] = [];
  for (
    let type = controller.prototype as object;
    type !== Object.prototype;
    type = Object.getPrototypeOf(type) as object
  ) {
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(type)) as { value?: unknown }[]) {
      if (typeof value === 'function' && Reflect.getMetadata('method', value) === RequestMethod.GET)
        handlers.push(value);
    }
  }
  return handlers;
}
