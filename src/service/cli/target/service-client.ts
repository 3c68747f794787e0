import { SERVICE_NAME } from '../../../health/health-document.js';
import { CliError } from '../cli-error.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import type { ServiceAddress } from './target-options.js';

/** Path of everything but probes and metrics. */
const SYNC = '/api/mqtt/reliable-sync';

/** An answer of the service, whatever it says. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON; undefined where it is none. */
  readonly body: unknown;
}

/** A request; the path begins behind the common one. */
export interface ServiceRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly json?: string;
  readonly signal?: AbortSignal;
}

/** The service did not answer, or nobody is there. */
export class UnreachableError extends CliError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.unreachable, options);
  }
}

/** A service over HTTP. */
export class ServiceClient {
  constructor(readonly address: ServiceAddress) {}

  /**
   * Asks and expects to be answered well.
   * @throws {CliError} with what the service says is wrong.
   */
  async ask<Body>(path: string, request: ServiceRequest = {}): Promise<Body> {
    const answer = await this.request(path, request);
    if (answer.status < 200 || answer.status > 299) throw await this.refusal(answer);
    if (answer.status !== 204 && answer.body === undefined) throw this.stranger(answer.status);
    return answer.body as Body;
  }

  /**
   * Asks, whatever the answer.
   * @throws {UnreachableError}
   */
  async request(path: string, request: ServiceRequest = {}): Promise<Answer> {
    const timeout = AbortSignal.timeout(this.address.timeoutMs);
    const signal = request.signal ? AbortSignal.any([timeout, request.signal]) : timeout;
    const response = await this.fetch(path, request, signal);
    try {
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: parsed(text) };
    } catch (error) {
      throw this.unreachable(error);
    }
  }

  /**
   * Opens a stream of events, which ends when `signal` is aborted.
   * @throws {CliError}
   */
  async stream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const response = await this.fetch(path, {}, signal);
    if (response.status === 200 && response.body) return response.body;
    throw await this.refusal({
      status: response.status,
      headers: response.headers,
      body: parsed(await response.text()),
    });
  }

  /** What an answer that is none of the good ones means. */
  async refusal(answer: Answer): Promise<CliError> {
    const { status, body } = answer;
    const { detail, code } = (body ?? {}) as { readonly detail?: unknown; readonly code?: unknown };
    const isOurs = typeof detail === 'string' && typeof code === 'string';
    if (!isOurs && status === 404 && (await this.isApplication())) return this.application();
    if (!isOurs || (status === 404 && code === 'NOT_FOUND')) return this.stranger(status);
    const advice = status === 401 ? ' Give the token by SYNC_INGRESS_TOKEN or --token-file.' : '';
    return new CliError(`${detail}${advice}`, exitOf(status));
  }

  private async fetch(path: string, request: ServiceRequest, signal: AbortSignal): Promise<Response> {
    const { method = 'GET', query = {}, json } = request;
    const { url, token } = this.address;
    const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, String(value)]],
    );
    const search = given.length > 0 ? `?${new URLSearchParams(given).toString()}` : '';
    try {
      return await fetch(`${url}${SYNC}${path}${search}`, {
        method,
        headers: {
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
          ...(json !== undefined && { 'Content-Type': 'application/json' }),
        },
        ...(json !== undefined && { body: json }),
        // A token is for the service that was named.
        redirect: 'manual',
        signal,
      });
    } catch (error) {
      throw this.unreachable(error);
    }
  }

  private unreachable(error: unknown): Error {
    const { name, message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
    if (name === 'AbortError') return error as Error;
    const { url, timeoutMs, isDefault } = this.address;
    const why =
      name === 'TimeoutError' ? `within ${timeoutMs / 1000} s` : `(${cause?.code ?? cause?.message ?? message})`;
    const advice = isDefault
      ? 'Does the service run? Give its address by --url, or its folder by --queue-dir while it is stopped.'
      : 'Does the service run, and is this its address?';
    return new UnreachableError(`No answer from ${url} ${why}. ${advice}`, { cause: error });
  }

  /** Asked when there is nothing where the service has something: whether that which answers has the module in it. */
  private async isApplication(): Promise<boolean> {
    const { body } = await this.request('/health').catch(() => ({ body: undefined }));
    return (body as { readonly service?: unknown } | null | undefined)?.service === SERVICE_NAME;
  }

  private application(): CliError {
    const what = `${this.address.url} is an application that embeds the module: it has no endpoints for this command.`;
    return new CliError(
      `${what} Look at its health document and /metrics, or stop it and use --queue-dir.`,
      EXIT.failed,
    );
  }

  private stranger(status: number): CliError {
    const what = `${this.address.url} answered ${status}, but not as this version of ARUS MQTT Sync does.`;
    return new CliError(`${what} Check the address, and the version of the service.`, EXIT.failed);
  }
}

function exitOf(status: number): ExitCode {
  if (status === 401 || status === 403) return EXIT.unauthorised;
  if (status === 404) return EXIT.notFound;
  if (status === 429 || status === 503) return EXIT.unavailable;
  return EXIT.failed;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
