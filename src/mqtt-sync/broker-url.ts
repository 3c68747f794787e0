const EXAMPLE = 'such as mqtt://localhost:1883';
const PORT = 'the port must be from 1 to 65535';

/** What is wrong with the URL of a broker, without a word of it: it may hold a password. Undefined when nothing is. */
export function brokerUrlFault(text: string): string | undefined {
  // Of "localhost:1883" the URL standard makes the scheme "localhost".
  const [, scheme, rest] = /^\s*([^/?#]*?):\/\/([^]*)$/.exec(text) ?? [];
  if (scheme === undefined || rest === undefined) {
    return `the scheme is missing: expected mqtt, mqtts, ws or wss, then the host, ${EXAMPLE}`;
  }
  if (!/^(mqtts?|wss?)$/i.test(scheme)) return `the scheme must be mqtt, mqtts, ws or wss, ${EXAMPLE}`;
  const authority = rest.split(/[/?#]/, 1)[0]!;
  if (endsInPassword(scheme, authority, rest)) {
    return 'user name and password must be percent-encoded: %2F for a slash, %23 for #, %3F for ?, %40 for @';
  }
  if (URL.canParse(text)) {
    const { hostname, port } = new URL(text);
    if (hostname === '') return `the host is missing, ${EXAMPLE}`;
    return port === '0' ? PORT : undefined;
  }
  const port = /:([^:\]]*)$/.exec(authority.slice(authority.lastIndexOf('@') + 1))?.[1];
  if (port !== undefined && !(/^\d+$/.test(port) && Number(port) <= 65_535)) return PORT;
  return `the host is missing or is none, ${EXAMPLE}`;
}

/**
 * Whether what the URL standard takes for host and port ends at a character of a password, the rest of which would then be
 * shown as the host. The path of a WebSocket may have an @ of its own.
 */
function endsInPassword(scheme: string, authority: string, rest: string): boolean {
  if (authority.includes('@')) return false;
  const after = rest.slice(authority.length);
  return (/^ws/i.test(scheme) && !after.startsWith('#') ? after.replace(/^[^#]*/, '') : after).includes('@');
}
