import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ProblemException } from '../http/problem.js';
import { type PageFile, PageFiles } from './page-files.js';

/** Only own files and own calls; nothing inline, nobody's frame, and no text can become markup (Trusted Types). */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** Whoever types the address of the service alone looks for the page. For now: something else may be here one day. */
@Controller()
export class RootController {
  @Get()
  root(@Res() response: Response): void {
    response.redirect(302, 'ui');
  }
}

/** The operator page. Its files name each other relative to `/ui`, so it works behind a proxy under any path. */
@Controller('ui')
export class PageController {
  constructor(private readonly files: PageFiles) {}

  @Get()
  page(@Req() request: Request, @Res() response: Response): void {
    // With a slash at its end the files would be looked for one level too deep.
    if (request.path.endsWith('/')) response.redirect(308, '../ui');
    else this.send('index.html', request, response);
  }

  @Get(':name')
  file(@Param('name') name: string, @Req() request: Request, @Res() response: Response): void {
    this.send(name, request, response);
  }

  private send(name: string, request: Request, response: Response): void {
    const file = this.files.get(name);
    if (!file) throw new ProblemException(404, { code: 'NOT_FOUND', detail: 'The operator page has no such file.' });
    response.set({
      'Content-Type': file.type,
      'Content-Security-Policy': CONTENT_SECURITY_POLICY,
      'Cache-Control': 'no-cache',
      ETag: file.etag,
      Vary: 'Accept-Encoding',
    });
    if (request.headers['if-none-match'] === file.etag) response.status(304).end();
    else sendBody(file, request, response);
  }
}

function sendBody({ body, zipped }: PageFile, request: Request, response: Response): void {
  const takesGzip = request.acceptsEncodings('gzip', 'identity') === 'gzip';
  if (takesGzip) response.set('Content-Encoding', 'gzip');
  // Not response.send(), which would give it a type and a validator of its own.
  response.end(takesGzip ? zipped : body);
}
