import { createServer, type Server, type ServerResponse } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Express } from 'express';
import { KnownRoutes } from './known-routes.js';
import { ProblemException } from './problem.js';

/** A client that has not sent its headers by then is not worth a socket. */
const HEADERS_TIMEOUT_MS = 10_000;
/** Long enough for the largest body over a bad wireless network on board. */
const REQUEST_TIMEOUT_MS = 60_000;
/** How often the two timeouts are looked at. */
const CHECK_INTERVAL_MS = 5_000;
/** Longer than the usual interval between probes, so that they keep their connection. */
const KEEP_ALIVE_TIMEOUT_MS = 15_000;
/** How long requests that run when the server closes may still take. */
const CLOSE_GRACE_MS = 500;

/** For answers that are data: a browser takes them for nothing else, shows them in no frame, and tells nobody of them. */
const SECURITY_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/**
 * Express, hardened: it gives nothing away, trusts no proxy header, drops slow clients, and closes in bounded time. A path that
 * there is, asked for with a method that there is not, is no path that there is not.
 */
export class ServiceHttpAdapter extends ExpressAdapter {
  private readonly routes = new KnownRoutes();

  constructor() {
    super();
    this.disable('x-powered-by');
    this.disable('etag');
    this.set('trust proxy', false);
    this.use((_request: unknown, response: ServerResponse, next: () => void) => {
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
      next();
    });
  }

  override initHttpServer(): void {
    const options = {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    };
    this.httpServer = createServer(options, this.getInstance<Parameters<typeof createServer>[1] & object>());
  }

  override get(...args: unknown[]): unknown {
    this.routes.add('GET', args[0]);
    return super.get(...(args as Parameters<ExpressAdapter['get']>));
  }

  override post(...args: unknown[]): unknown {
    this.routes.add('POST', args[0]);
    return super.post(...(args as Parameters<ExpressAdapter['post']>));
  }

  override delete(...args: unknown[]): unknown {
    this.routes.add('DELETE', args[0]);
    return super.delete(...(args as Parameters<ExpressAdapter['delete']>));
  }

  /** Behind all routes, and so for what none of them has taken. */
  override setNotFoundHandler(...args: Parameters<ExpressAdapter['setNotFoundHandler']>): unknown {
    const express = this.getInstance<Express>();
    for (const [path, allow] of this.routes.allowed()) {
      express.all(path, ({ method }, _response, next) => next(notAllowed(method, allow)));
    }
    return super.setNotFoundHandler(...args);
  }

  override async close(): Promise<void> {
    const server = this.httpServer as Server;
    // close() ends idle connections and waits for those with a request on them, however slow.
    const grace = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    try {
      await super.close();
    } finally {
      clearTimeout(grace);
    }
  }
}

function notAllowed(method: string, allow: string): ProblemException {
  return new ProblemException(405, {
    code: 'METHOD_NOT_ALLOWED',
    detail: `There is no ${method} here: allowed are ${allow}.`,
    headers: { Allow: allow },
  });
}
