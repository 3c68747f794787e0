/** One event of a stream. */
export interface ServerSentEvent {
  readonly type: string;
  readonly data: string;
}

/** An event is some kilobytes; what grows beyond this is no stream of ours. */
const MOST_PENDING_CHARACTERS = 4 * 1024 * 1024;

/** Reads a stream of server-sent events (WHATWG HTML, section 9.2.6). What ends without an empty line is no event. */
export async function* readEvents(source: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of source) {
    pending += decoder.decode(chunk, { stream: true });
    const blocks = pending.split(/\r?\n\r?\n/);
    pending = blocks.pop()!;
    if (pending.length > MOST_PENDING_CHARACTERS) throw new Error('an event of the stream does not end');
    for (const block of blocks) {
      const event = eventIn(block);
      if (event) yield event;
    }
  }
}

function eventIn(block: string): ServerSentEvent | undefined {
  let type = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'event') type = value;
    if (field === 'data') data.push(value);
  }
  return data.length === 0 ? undefined : { type, data: data.join('\n') };
}
