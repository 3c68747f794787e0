/** How to dial: TCP or WebSocket, with or without TLS. */
export type DialScheme = 'mqtt' | 'mqtts' | 'ws' | 'wss';

/** Where the broker is, and the credentials that its URL holds. */
export interface BrokerAddress {
  readonly scheme: DialScheme;
  /** Host name or IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Path and query of a WebSocket. */
  readonly path: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Scheme, host and port: no credentials, no query, fit for logs. */
  readonly shown: string;
  /** Whether the traffic stays on this machine. */
  readonly isLoopback: boolean;
}

const DEFAULT_PORTS: Readonly<Record<DialScheme, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 };

/** A password with a bare percent sign is not valid percent-encoding; then it is meant as it stands. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function isLoopbackHost(host: string): boolean {
  return host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host) || /^(.+\.)?localhost\.?$/i.test(host);
}

/** Takes a broker URL apart; `tlsEnabled` decides between `mqtt` and `mqtts`, `ws` and `wss`, whatever the URL says. */
export function parseBrokerAddress(brokerUrl: string, tlsEnabled: boolean): BrokerAddress {
  const url = new URL(brokerUrl);
  const isWebSocket = url.protocol.startsWith('ws');
  const scheme = `${isWebSocket ? 'ws' : 'mqtt'}${tlsEnabled ? 's' : ''}` as DialScheme;
  const port = url.port === '' ? DEFAULT_PORTS[scheme] : Number(url.port);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    scheme,
    host,
    port,
    path: isWebSocket ? `${url.pathname}${url.search}` : undefined,
    username: url.username === '' ? undefined : percentDecoded(url.username),
    password: url.password === '' ? undefined : percentDecoded(url.password),
    shown: `${scheme}://${url.hostname}:${port}`,
    isLoopback: isLoopbackHost(host),
  };
}
