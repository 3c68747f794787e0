/** Which methods there are on each path, for whoever asks with another one. */
export class KnownRoutes {
  private readonly methods = new Map<string, Set<string>>();

  /** @param path as Express takes it; what is no text is none of ours. */
  add(method: string, path: unknown): void {
    if (typeof path !== 'string') return;
    const known = this.methods.get(path) ?? new Set();
    this.methods.set(path, known.add(method));
    // Express answers it like GET.
    if (method === 'GET') known.add('HEAD');
  }

  /** Each path, and what `Allow` says there: RFC 9110, section 10.2.1. */
  *allowed(): Iterable<readonly [path: string, allow: string]> {
    for (const [path, methods] of this.methods) yield [path, [...methods].join(', ')];
  }
}
