import { type CanActivate, Inject, Injectable } from '@nestjs/common';
import { MQTT_SYNC_OPTIONS } from '../../mqtt-sync/mqtt-sync.module-definition.js';
import type { ResolvedOptions } from '../../mqtt-sync/resolve-options.js';
import { ProblemException } from './problem.js';

/** For what needs a queue or a connection: while sync is off there is none, and to try again later would be in vain. */
@Injectable()
export class SyncOnGuard implements CanActivate {
  constructor(@Inject(MQTT_SYNC_OPTIONS) private readonly options: Pick<ResolvedOptions, 'localMode'>) {}

  canActivate(): true {
    if (this.options.localMode) return true;
    throw new ProblemException(409, {
      code: 'SYNC_OFF',
      detail: 'Sync is off (LOCAL_MODE=false): the service neither stores nor sends anything, and so has no queue.',
    });
  }
}
