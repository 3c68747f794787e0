import { Controller, Get, Header, InternalServerErrorException, Logger, UseGuards } from '@nestjs/common';
import { ThrottlerGuard } from '@nestjs/throttler';
import { SyncStatus } from '../mqtt-sync/sync-status.js';
import { composeHealthDocument, type HealthDocument, SERVICE_NAME } from './health-document.js';

/** The health document that dashboards read; the only thing that is rate limited. */
@Controller('api/mqtt/reliable-sync/health')
@UseGuards(ThrottlerGuard)
export class HealthDocumentController {
  private readonly logger = new Logger(HealthDocumentController.name);

  constructor(private readonly sync: SyncStatus) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  read(): HealthDocument {
    try {
      return composeHealthDocument(this.sync, new Date());
    } catch (error) {
      this.logger.error(`The health document could not be composed: ${String(error)}`);
      // What went wrong is for the log alone: it may name paths or addresses.
      throw new InternalServerErrorException({
        service: SERVICE_NAME,
        message: 'The health document could not be composed; the log says why.',
      });
    }
  }
}
