import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { listen } from '../../helpers/ports.js';
import { nowMs } from '../clock.js';
import { brokenClaims, type ShapedProfileId } from '../link-claims.js';
import { PROFILE_TABLE, type ProfileId } from '../profiles.js';
import { shapedLink } from '../rig/link.js';
import type { Resources } from '../rig/resources.js';
import type { Run } from '../run.js';
import { median } from '../statistics.js';

const UNLIMITED_BYTES = 20_000_000;
/** On a short link most of few round trips would be those of code that is not compiled yet. */
const SHORTEST_PINGING_MS = 500;

/**
 * Checks links against what they claim, with nothing but TCP.
 * @throws {Error} naming every claim that does not hold, and what was measured.
 */
export async function checkLinks(run: Run, profiles: readonly ShapedProfileId[]): Promise<void> {
  const { pings, transferSeconds } = run.sizes;
  const broken: string[] = [];
  for (const profile of profiles) {
    const values = await run.resources.during(async (resources) => {
      const roundTripMs = await roundTrip(resources, profile, pings);
      return { roundTripMs, bytesPerSecond: await transfer(resources, profile, transferSeconds) };
    });
    run.say(`link ${profile}: ${values.roundTripMs.toFixed(0)} ms, ${Math.round(values.bytesPerSecond)} bytes/s`);
    run.record({ scenario: 'link', profile, values });
    broken.push(...brokenClaims(profile, values));
  }
  if (broken.length > 0) throw new Error(`The links are not what they claim to be. ${broken.join(' ')}`);
}

/** Connects through a link of the profile to a server that does as told. */
async function through(resources: Resources, profile: ProfileId, serve: (socket: Socket) => void): Promise<Socket> {
  const server = createServer((socket) => serve(socket.on('error', () => {})));
  const link = await shapedLink(resources, await listen(server), profile);
  await link.up();
  const socket = connect(link.port, '127.0.0.1').setNoDelay(true);
  resources.add(socket, async () => {
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  await once(socket, 'connect');
  return socket;
}

async function roundTrip(resources: Resources, profile: ProfileId, pings: number): Promise<number> {
  const socket = await through(resources, profile, (peer) => peer.setNoDelay(true).pipe(peer));
  const times: number[] = [];
  const firstMs = nowMs();
  while (times.length < pings || nowMs() - firstMs < SHORTEST_PINGING_MS) {
    const beganMs = nowMs();
    socket.write('x');
    await once(socket, 'data');
    times.push(nowMs() - beganMs);
  }
  return median(times);
}

/** @returns bytes a second that arrive, from the first to the last. */
async function transfer(resources: Resources, profile: ProfileId, seconds: number): Promise<number> {
  const { bytesPerSecond } = PROFILE_TABLE[profile].quality ?? {};
  const bytes = bytesPerSecond ? bytesPerSecond * seconds : UNLIMITED_BYTES;
  let arrived = 0;
  let firstMs = 0;
  let firstBytes = 0;
  const rate = new Promise<number>((resolve, reject) => {
    through(resources, profile, (peer) => {
      peer.on('data', (chunk: Buffer) => {
        arrived += chunk.length;
        if (firstMs === 0) [firstMs, firstBytes] = [nowMs(), arrived];
        if (arrived === bytes) resolve(((arrived - firstBytes) * 1000) / (nowMs() - firstMs));
      });
    }).then((socket) => socket.write(Buffer.alloc(bytes)), reject);
  });
  return rate;
}
