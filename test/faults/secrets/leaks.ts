/** Shorter pieces would be found by accident. */
const SHORTEST_PIECE = 6;

/** Looks for secrets, in every form in which they might be written down. */
export class Leaks {
  /** Where which secret was found, without the secret. */
  readonly found: string[] = [];
  searched = 0;
  bytes = 0;
  private readonly forms: readonly (readonly [name: string, form: Buffer])[];

  constructor(secrets: Readonly<Record<string, string>>) {
    this.forms = Object.entries(secrets).flatMap(([name, secret]) =>
      formsOf(secret).map(([how, text]) => [`${name} (${how})`, Buffer.from(text)] as const),
    );
  }

  /** Searches a text or the bytes of a file. */
  search(where: string, content: string | Buffer): void {
    const bytes = Buffer.from(content);
    this.searched++;
    this.bytes += bytes.length;
    for (const [name, form] of this.forms) if (bytes.includes(form)) this.found.push(`${name} in ${where}`);
  }
}

function formsOf(secret: string): [how: string, text: string][] {
  const bytes = Buffer.from(secret);
  const forms: [string, string][] = [
    ['as it is', secret],
    ['percent-encoded', encodeURIComponent(secret)],
    ['percent-encoded in a URL', encodeURI(secret)],
    ['in JSON', JSON.stringify(secret).slice(1, -1)],
    ['in JSON twice', JSON.stringify(JSON.stringify(secret)).slice(3, -3)],
    ['in hex', bytes.toString('hex')],
    ['reversed', [...secret].reverse().join('')],
  ];
  // In the middle of something longer, base64 has three ways to write the same bytes; their inner part is always the same.
  for (const shift of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64url');
    const inner = text.slice(shift === 0 ? 0 : 4, -4);
    forms.push(
      [`in base64url, ${shift}`, inner],
      [`in base64, ${shift}`, inner.replaceAll('-', '+').replaceAll('_', '/')],
    );
  }
  return forms.filter(([, text]) => text.length >= SHORTEST_PIECE);
}
