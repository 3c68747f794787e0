import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Response } from 'express';
import { MqttSyncError } from '../../mqtt-sync/errors.js';
import { ProblemException, problemOf, problemOfStatus } from './problem.js';

/** Answers errors as `application/problem+json`, but those that bring a document of their own: probes and health. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Http');

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    if (response.headersSent) {
      response.end();
      return;
    }
    if (hasOwnDocument(error)) {
      response.status(error.getStatus()).json(error.getResponse());
      return;
    }
    const { problem, headers } = this.toProblem(error);
    response.status(problem.status).set(headers).type('application/problem+json').send(JSON.stringify(problem));
  }

  private toProblem(error: unknown): ProblemException {
    if (error instanceof ProblemException) return error;
    if (error instanceof MqttSyncError) return problemOf(error);
    if (error instanceof HttpException) return problemOfStatus(error.getStatus(), error.message);
    this.logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return problemOfStatus(500, 'Something went wrong inside the service; its log says what.');
  }
}

/** Nest's own errors have a text, or an object with `statusCode`. */
function hasOwnDocument(error: unknown): error is HttpException {
  if (!(error instanceof HttpException) || error instanceof ProblemException) return false;
  const document = error.getResponse();
  return typeof document === 'object' && !('statusCode' in document);
}
