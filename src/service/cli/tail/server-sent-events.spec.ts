import { describe, expect, it } from 'vitest';
import { readEvents, type ServerSentEvent } from './server-sent-events.js';

async function read(chunks: readonly string[]): Promise<ServerSentEvent[]> {
  // eslint-disable-next-line @typescript-eslint/require-await -- a stream of what is there
  const source = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk);
  })();
  const events: ServerSentEvent[] = [];
  for await (const event of readEvents(source)) events.push(event);
  return events;
}

describe('server-sent events', () => {
  it('are read wherever the chunks end', async () => {
    expect(await read(['id: 1\nevent: chan', 'ge\ndata: {"a":1}\n', '\nevent: x\r\ndata: 2\r\n\r\n'])).toEqual([
      { type: 'change', data: '{"a":1}' },
      { type: 'x', data: '2' },
    ]);
  });

  it('may have several lines and no type; comments and what does not end are left out', async () => {
    expect(await read([': hello\n\n', 'data: a\ndata:b\n\n', 'retry: 3\n\n', 'data: cut'])).toEqual([
      { type: 'message', data: 'a\nb' },
    ]);
  });

  it('that do not end are refused', async () => {
    await expect(read(['data: ', 'x'.repeat(5 * 1024 * 1024)])).rejects.toThrow(/does not end/);
  });
});
