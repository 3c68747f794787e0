import { isIP } from 'node:net';
import { checkServerIdentity, connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { BrokerAddress } from '../../../mqtt-sync/connection/broker-address.js';
import { failureText } from '../../../mqtt-sync/connection/failure-text.js';
import type { Secrets } from '../../../mqtt-sync/connection/secrets.js';
import { adviceOnEnd, dayOf } from './certificate-words.js';
import { CheckFailure, type Finding } from './check-step.js';
import { withDeadline } from './deadline.js';

interface TlsCheck {
  readonly address: BrokerAddress;
  readonly secrets: Secrets;
  /** `false`: the service accepts any certificate. */
  readonly rejectUnauthorized: boolean;
  readonly timeoutMs: number;
  readonly now: Date;
}

/** Makes the TLS connection without judging, then judges: so that what is wrong can be told in full. */
export async function checkTls(check: TlsCheck): Promise<Finding> {
  const socket = await shakeHands(check);
  try {
    const certificate = socket.getPeerCertificate();
    const described = `${socket.getProtocol()}, certificate of ${names(certificate)}, valid until ${dayOf(certificate.valid_to)}`;
    if (!check.rejectUnauthorized) {
      return { detail: described, advice: ['Nothing of it is checked: MQTT_TLS_REJECT_UNAUTHORIZED is false.'] };
    }
    const dates = { validFrom: certificate.valid_from, validTo: certificate.valid_to };
    const advice = adviceOnEnd("broker's certificate", dates, check.now);
    judgeChain(socket, certificate);
    judgeName(check.address, certificate);
    return { detail: described, advice };
  } finally {
    socket.destroy();
  }
}

async function shakeHands({ address, secrets, timeoutMs }: TlsCheck): Promise<TLSSocket> {
  const { host, port } = address;
  const { ca, cert, key } = secrets;
  const slow = new CheckFailure(`no TLS from ${host} port ${port} within ${timeoutMs / 1000} s`, [
    'Somebody listens there, but does not speak TLS: check port and scheme in MQTT_BROKER_URL.',
  ]);
  const socket = connect({
    host,
    port,
    rejectUnauthorized: false,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca && { ca }),
    ...(cert && key && { cert, key }),
  });
  try {
    await withDeadline<void>(timeoutMs, slow, (resolve, reject) => {
      socket.once('secureConnect', () => resolve()).once('error', reject);
      socket.once('close', () => reject(new Error('the broker closed the connection')));
    });
    // What comes later is the business of the next step.
    socket.on('error', () => {});
    return socket;
  } catch (error) {
    socket.destroy();
    if (error instanceof CheckFailure) throw error;
    throw new CheckFailure(`no TLS connection: ${failureText(error)}`, [
      'The port may be one without TLS: then use mqtt or ws in MQTT_BROKER_URL, or the port that has TLS (usually 8883).',
      'Or the broker wants a client certificate (MQTT_TLS_CERT_FILE), or another version of TLS.',
    ]);
  }
}

function judgeChain(socket: TLSSocket, certificate: PeerCertificate): void {
  // A string, whatever the types say; a name that does not fit is judged elsewhere.
  const reason = String(socket.authorizationError ?? '');
  if (socket.authorized || reason === 'ERR_TLS_CERT_ALTNAME_INVALID') return;
  throw new CheckFailure(
    `the broker's certificate is not trusted (${reason}); it was issued by ${issuer(certificate)}`,
    [
      'Set MQTT_TLS_CA_FILE to the certificate of the authority that issued it.',
      'If that is the one, the broker does not send the certificates in between.',
    ],
  );
}

function judgeName({ host }: BrokerAddress, certificate: PeerCertificate): void {
  if (!checkServerIdentity(host, certificate)) return;
  throw new CheckFailure(`the broker's certificate is not for ${host}, but for ${names(certificate)}`, [
    'Dial one of these names in MQTT_BROKER_URL, or give the broker a certificate for this one.',
  ]);
}

const only = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

const names = (certificate: PeerCertificate): string =>
  certificate.subjectaltname?.replaceAll('IP Address:', 'IP:') ?? only(certificate.subject.CN) ?? 'nobody';

const issuer = (certificate: PeerCertificate): string =>
  only(certificate.issuer.CN) ?? only(certificate.issuer.O) ?? 'nobody';
