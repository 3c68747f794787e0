import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import {
  getOptionsToken,
  getStorageToken,
  type ThrottlerModuleOptions,
  ThrottlerStorageService,
} from '@nestjs/throttler';
import { HealthDocumentController } from './health-document.controller.js';
import { ProbesController } from './probes.controller.js';

/** Options of `SyncHealthModule`. */
export interface SyncHealthOptions {
  /** The `MqttSyncModule` to report on; not needed when that one is global. */
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  /** Requests a minute and client on the health document. @default 60 */
  readonly rateLimit?: number;
}

const MINUTE_MS = 60_000;

/**
 * Serves the health document and the probes `GET /health/live` and `GET /health/ready`.
 *
 * @example
 * imports: [MqttSyncModule.forRoot({ isGlobal: true }), SyncHealthModule.forRoot()]
 */
@Module({})
export class SyncHealthModule {
  static forRoot({ imports = [], rateLimit = 60 }: SyncHealthOptions = {}): DynamicModule {
    return {
      module: SyncHealthModule,
      imports: [
        ...imports,
        // The library logs when accepting stops and resumes; a line for each failed probe would bury that.
        TerminusModule.forRoot({ logger: false }),
      ],
      // Not the ThrottlerModule, which is global and would meet the application's own.
      providers: [
        { provide: getOptionsToken(), useValue: throttlerOptions(rateLimit) },
        { provide: getStorageToken(), useClass: ThrottlerStorageService },
      ],
      controllers: [HealthDocumentController, ProbesController],
    };
  }
}

function throttlerOptions(rateLimit: number): ThrottlerModuleOptions {
  return {
    throttlers: [{ ttl: MINUTE_MS, limit: rateLimit }],
    errorMessage:
      `One client may ask for this ${rateLimit} ${rateLimit === 1 ? 'time' : 'times'} a minute (HEALTH_RATE_LIMIT; in an ` +
      'application `rateLimit` of SyncHealthModule). Try again after the seconds of Retry-After.',
  };
}
