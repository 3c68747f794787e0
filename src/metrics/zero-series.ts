import { Inject, Injectable } from '@nestjs/common';
import { MQTT_SYNC_OPTIONS } from '../mqtt-sync/mqtt-sync.module-definition.js';
import type { ResolvedOptions } from '../mqtt-sync/resolve-options.js';
import { EntityPolicies } from '../mqtt-sync/wire/entity-policies.js';
import { OPERATIONS } from '../mqtt-sync/wire/envelope.js';

/**
 * Labels of the deliveries to expect: their series start at 0 with the first scrape, so that Prometheus sees the first
 * delivery as an increase, which it does not for a series that appears out of nothing.
 */
@Injectable()
export class ZeroSeries {
  readonly labels: readonly Readonly<Record<'entity_type' | 'operation' | 'qos', string | number>>[];

  constructor(@Inject(MQTT_SYNC_OPTIONS) options: ResolvedOptions) {
    this.labels = [...new EntityPolicies(options.entities).configured()].flatMap(([entity_type, { qos }]) =>
      OPERATIONS.map((operation) => ({ entity_type, operation, qos })),
    );
  }
}
