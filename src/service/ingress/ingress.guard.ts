import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { ProblemException } from '../http/problem.js';
import { IngressToken } from './ingress-token.js';
import { isForwarded, isLocalHost, isLoopback, isOwnOrigin } from './loopback.js';

/**
 * Who may post changes and act. With a token set: whoever has it. Without one: only clients on this machine, by the
 * address of the socket, which no header can change; and in a browser on this machine no page but the service's own.
 * A proxy on this machine has such an address too, whoever asks it: it shows by the headers that proxies add, or by the host.
 */
@Injectable()
export class IngressGuard implements CanActivate {
  constructor(private readonly token: IngressToken) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers, socket } = context.switchToHttp().getRequest<Request>();
    if (this.token.isRequired) return this.checkToken(headers.authorization);
    // A browser sends no Origin when a page reads from its own host, whatever address its name has by then.
    const isLocal = isLoopback(socket.remoteAddress) && isLocalHost(headers.host) && !isForwarded(headers);
    if (isLocal && isOwnOrigin(headers.origin, headers.host)) return true;
    throw new ProblemException(403, {
      code: 'FORBIDDEN',
      detail:
        'Without a token only clients on the same machine may do this, asking for localhost and not through a proxy, and in ' +
        'a browser the own page of the service. Set SYNC_INGRESS_TOKEN to allow others.',
    });
  }

  private checkToken(authorization: string | undefined): true {
    const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
    if (this.token.matches(given)) return true;
    // RFC 6750, section 3: no error code for a request without credentials.
    const error = given === undefined ? '' : ', error="invalid_token"';
    throw new ProblemException(401, {
      code: 'UNAUTHORIZED',
      detail: `The request needs a valid token: "Authorization: Bearer <token>".`,
      headers: { 'WWW-Authenticate': `Bearer realm="mqtt-sync"${error}` },
    });
  }
}
