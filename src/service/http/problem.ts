import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import type { MqttSyncError, SyncErrorCode } from '../../mqtt-sync/errors.js';

/** Body of an error answer: `application/problem+json`, RFC 9457. */
export interface Problem {
  /** `about:blank`: the status says what kind of problem it is, and `code` tells more. */
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Stable name to branch on. */
  readonly code: string;
  /** Which change of an array, counted from 0. */
  readonly index?: number;
}

/** What an error says beside its status. */
export interface ProblemSaid {
  readonly code: string;
  readonly detail: string;
  readonly index?: number | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error with its answer. */
export class ProblemException extends HttpException {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, { code, detail, index, headers = {} }: ProblemSaid) {
    const title = STATUS_CODES[status] ?? 'Error';
    const problem: Problem = {
      type: 'about:blank',
      title,
      status,
      detail,
      code,
      ...(index !== undefined && { index }),
    };
    super(problem, status);
    this.message = detail;
    this.problem = problem;
    this.headers = headers;
  }
}

/** As often as the library tries to open a store again. */
const RETRY_AFTER = { 'Retry-After': '5' };

const STATUS_OF: Readonly<Partial<Record<SyncErrorCode, number>>> = {
  CHANGE_INVALID: 400,
  CHANGE_NOT_SERIALISABLE: 400,
  ENTITY_TYPE_INVALID: 400,
  ENTITY_TYPE_LIMIT: 400,
  CATCH_UP_INVALID: 400,
  CHANGE_TOO_LARGE: 413,
  QUEUE_FULL: 503,
  QUEUE_UNAVAILABLE: 503,
  CATCH_UP_NOT_SENT: 503,
  STOPPING: 503,
};

/** The answer to an error of the library; `index` tells the change of an array. */
export function problemOf(error: MqttSyncError, index?: number): ProblemException {
  const status = STATUS_OF[error.code] ?? 500;
  const headers = status === 503 ? RETRY_AFTER : {};
  return new ProblemException(status, { code: error.code, detail: error.message, index, headers });
}

/** The answer to an error of Nest, of Express, or of nobody. */
export function problemOfStatus(status: number, detail: string): ProblemException {
  const code = (STATUS_CODES[status] ?? 'Error').toUpperCase().replaceAll(/[^A-Z]+/g, '_');
  return new ProblemException(status, { code, detail });
}
