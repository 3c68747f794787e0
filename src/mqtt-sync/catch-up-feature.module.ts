import { type DynamicModule, Module, type ModuleMetadata, type Type } from '@nestjs/common';
import { type CatchUpSource, CatchUpSources } from './publisher/catch-up/catch-up-source.js';
import { assertEntityType } from './wire/entity-policies.js';

/** Where the changes of an entity type are read from when the journal no longer has them. */
export interface CatchUpFeature {
  readonly entity: string;
  /** A class, made by Nest with what it injects, or an instance. */
  readonly source: Type<CatchUpSource> | CatchUpSource;
}

/** Registers the sources of an application module. */
@Module({})
export class CatchUpFeatureModule {}

/** The module that `MqttSyncModule.forFeature()` returns. */
export function catchUpFeature(
  features: readonly CatchUpFeature[],
  imports: NonNullable<ModuleMetadata['imports']>,
): DynamicModule {
  for (const { entity } of features) assertEntityType(entity);
  const classes = features.flatMap(({ source }) => (typeof source === 'function' ? source : []));
  return {
    module: CatchUpFeatureModule,
    imports,
    providers: [
      ...new Set(classes),
      ...features.map(({ entity, source }) => ({
        provide: Symbol(`catch-up source of ${entity}`),
        inject: [CatchUpSources, ...(typeof source === 'function' ? [source] : [])],
        useFactory: (sources: CatchUpSources, made?: CatchUpSource) =>
          sources.register(entity, made ?? (source as CatchUpSource)),
      })),
    ],
  };
}
