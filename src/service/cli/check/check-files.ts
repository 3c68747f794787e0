import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { BrokerAddress } from '../../../mqtt-sync/connection/broker-address.js';
import { readSecrets, type Secrets } from '../../../mqtt-sync/connection/secrets.js';
import type { ResolvedOptions } from '../../../mqtt-sync/resolve-options.js';
import { adviceOnEnd, commonNameOf, dayOf } from './certificate-words.js';
import { CheckFailure, type Finding } from './check-step.js';

/** Reads password, authority, certificate and key as the service does, and looks whether they can be used. */
export async function checkFiles(
  options: ResolvedOptions,
  address: BrokerAddress,
  now: Date,
): Promise<Finding & { readonly secrets: Secrets }> {
  const secrets = await readSecrets(options, address).catch((error: Error) => {
    throw new CheckFailure(error.message, ['Check the path, and that the user of the service may read the file.']);
  });
  const { cert, key, ca } = secrets;
  if (ca) parse('MQTT_TLS_CA_FILE', () => new X509Certificate(ca));
  if (!cert || !key) return { detail: describeUser(secrets), secrets };
  const certificate = parse('MQTT_TLS_CERT_FILE', () => new X509Certificate(cert));
  const privateKey = parse('MQTT_TLS_KEY_FILE', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new CheckFailure('the key does not belong to the client certificate', [
      'Set MQTT_TLS_CERT_FILE and MQTT_TLS_KEY_FILE to files that were made together.',
    ]);
  }
  const name = commonNameOf(certificate.subject);
  const advice = [
    ...adviceOnEnd('client certificate', certificate, now),
    ...(name === options.vesselId
      ? []
      : [
          `The certificate is for ${name}, and VESSEL_ID is ${options.vesselId}: rights that hang on the name will not fit.`,
        ]),
  ];
  return { detail: `client certificate of ${name}, valid until ${dayOf(certificate.validTo)}`, advice, secrets };
}

function describeUser({ username, password }: Secrets): string {
  if (username === undefined) return 'no client certificate, no user name';
  return `user ${username}, ${password === undefined ? 'no password' : 'with a password'}`;
}

function parse<Value>(variable: string, make: () => Value): Value {
  try {
    return make();
  } catch {
    // What OpenSSL says of it helps nobody, and may show a part of it.
    throw new CheckFailure(`the file of ${variable} holds nothing that can be used`, [
      `Give ${variable} a PEM file without a passphrase.`,
    ]);
  }
}
