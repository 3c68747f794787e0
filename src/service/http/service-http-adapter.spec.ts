import { Controller, Delete, Get, Module, Post } from '@nestjs/common';
import request from 'supertest';
import { beforeEach, describe, expect, it } from 'vitest';
import { serveModules } from '../../../test/helpers/http-application.js';

@Controller('crew')
class CrewController {
  @Get()
  list(): string {
    return 'all';
  }

  @Get(':position')
  show(): string {
    return 'one';
  }

  @Delete(':position')
  discard(): void {}

  @Post(':position/retry')
  retry(): void {}
}

@Module({ controllers: [CrewController] })
class CrewModule {}

describe('the HTTP server of the service', () => {
  let http: ReturnType<typeof request>;

  beforeEach(async () => {
    const app = await serveModules({ module: CrewModule });
    http = request(app.getHttpServer());
  });

  it.each([
    ['post', '/crew', 'GET, HEAD'],
    ['put', '/crew', 'GET, HEAD'],
    ['patch', '/crew/7', 'GET, HEAD, DELETE'],
    ['get', '/crew/7/retry', 'POST'],
    ['head', '/crew/7/retry', 'POST'],
    ['options', '/crew/7/retry', 'POST'],
  ] as const)('answers %s %s by what is allowed there', async (method, path, allow) => {
    const answer = await http[method](path);
    expect([answer.status, answer.headers['allow']]).toEqual([405, allow]);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    if (method === 'head') return;
    expect(JSON.parse(answer.text)).toMatchObject({
      ...{ status: 405, code: 'METHOD_NOT_ALLOWED', title: 'Method Not Allowed' },
      detail: `There is no ${method.toUpperCase()} here: allowed are ${allow}.`,
    });
  });

  it('answers what is allowed, and 404 where there is nothing whatever the method', async () => {
    expect((await http.get('/crew?limit=1')).text).toBe('all');
    expect((await http.head('/crew')).status).toBe(200);
    expect((await http.delete('/crew/7')).status).toBe(200);
    for (const answer of [await http.get('/crews'), await http.post('/crew/7/retry/now')]) {
      expect(JSON.parse(answer.text)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
      expect(answer.headers).not.toHaveProperty('allow');
    }
  });
});
