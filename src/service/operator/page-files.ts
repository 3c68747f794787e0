import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { gzipSync } from 'node:zlib';

const FOLDER = new URL('../ui/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** A file of the page, ready to be sent. */
export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  readonly zipped: Buffer;
  /** Strong validator (RFC 9110, section 8.8.3): over a slow link an unchanged file is not sent again. */
  readonly etag: string;
}

/** The files of the operator page, read once: they are few and small, and no path of a request ever meets the disk. */
export class PageFiles {
  private constructor(private readonly files: ReadonlyMap<string, PageFile>) {}

  static async read(): Promise<PageFiles> {
    const names = (await readdir(FOLDER)).filter((name) => extname(name) in TYPES);
    const files = names.map(async (name) => [name, await load(name)] as const);
    return new PageFiles(new Map(await Promise.all(files)));
  }

  get(name: string): PageFile | undefined {
    return this.files.get(name);
  }
}

async function load(name: string): Promise<PageFile> {
  const body = await readFile(new URL(name, FOLDER));
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  return { type: TYPES[extname(name)]!, body, zipped: gzipSync(body, { level: 9 }), etag: `"${digest}"` };
}
