import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import type { BrokerAddress } from '../../../mqtt-sync/connection/broker-address.js';
import { CheckFailure, type Finding } from './check-step.js';
import { withDeadline } from './deadline.js';

const codeOf = (error: unknown): string => {
  // Several addresses were tried: they tell the same story.
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  return (first as NodeJS.ErrnoException).code ?? 'unknown error';
};

/** Whether the name of the broker leads to an address. */
export async function checkDns({ host }: BrokerAddress, timeoutMs: number): Promise<Finding> {
  if (isIP(host) !== 0) return { detail: `${host} is an address` };
  const slow = new CheckFailure(`no name server answered for ${host} within ${timeoutMs / 1000} s`, [
    'Is there a link at all? See whether other names resolve on this machine.',
  ]);
  const addresses = await withDeadline<string[]>(timeoutMs, slow, (resolve, reject) => {
    lookup(host, { all: true }).then((found) => resolve(found.map(({ address }) => address)), reject);
  }).catch((error: unknown) => {
    if (error instanceof CheckFailure) throw error;
    throw new CheckFailure(`the name ${host} does not resolve (${codeOf(error)})`, [
      'Check the host in MQTT_BROKER_URL, and the name servers of this machine.',
    ]);
  });
  return { detail: `${host} is ${addresses.join(', ')}` };
}

const TCP_ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'The machine is there and nobody listens on that port: check the port, and whether the broker runs.',
  EHOSTUNREACH: 'There is no way to that machine: check link, gateway and firewall.',
  ENETUNREACH: 'There is no way to that network: check the link.',
  ETIMEDOUT: 'Nobody answered: check the link, and whether a firewall drops the port.',
};

/** Whether somebody listens at the broker's port. */
export async function checkTcp({ host, port }: BrokerAddress, timeoutMs: number): Promise<Finding> {
  const since = performance.now();
  const slow = new CheckFailure(`no answer from ${host} port ${port} within ${timeoutMs / 1000} s`, [
    TCP_ADVICE.ETIMEDOUT!,
  ]);
  const socket = connect({ host, port });
  try {
    await withDeadline<void>(timeoutMs, slow, (resolve, reject) => {
      socket.once('connect', () => resolve()).once('error', reject);
    });
    const { remoteAddress } = socket;
    return { detail: `${remoteAddress} port ${port} answers after ${Math.round(performance.now() - since)} ms` };
  } catch (error) {
    if (error instanceof CheckFailure) throw error;
    const code = codeOf(error);
    throw new CheckFailure(`${host} port ${port} cannot be reached (${code})`, [
      TCP_ADVICE[code] ?? TCP_ADVICE.ETIMEDOUT!,
    ]);
  } finally {
    socket.destroy();
  }
}
