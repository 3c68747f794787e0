import { setTimeout as pause } from 'node:timers/promises';
import { PROFILE_TABLE, type ProfileId } from '../profiles.js';
import type { BenchBroker } from './broker.js';
import { Child } from './child.js';
import type { CarriedBytes, LinkCalls } from './link-calls.js';
import type { Resources } from './resources.js';

/** The way from a contender to the broker on shore; closed until `up()`. */
export interface ShoreLink {
  /** Where the contender finds the broker. */
  readonly port: number;
  up(): Promise<void>;
  down(): Promise<void>;
  /** Bytes carried both ways; only where there is a proxy. */
  carriedBytes(): Promise<CarriedBytes>;
}

/** Without a proxy the broker itself comes and goes. */
class DirectLink implements ShoreLink {
  constructor(private readonly broker: BenchBroker) {}

  get port(): number {
    return this.broker.port;
  }

  up(): Promise<void> {
    return this.broker.restart();
  }

  down(): Promise<void> {
    return this.broker.kill();
  }

  carriedBytes(): Promise<CarriedBytes> {
    return Promise.reject(new Error('nobody counts bytes without a proxy'));
  }
}

class ShapedLink implements ShoreLink {
  constructor(
    private readonly child: Child<LinkCalls>,
    readonly port: number,
  ) {}

  up(): Promise<void> {
    return this.child.call('up');
  }

  down(): Promise<void> {
    return this.child.call('down');
  }

  carriedBytes(): Promise<CarriedBytes> {
    return this.child.call('carriedBytes');
  }
}

/** A link of a profile, closed. @param counted through a proxy, also where nothing is shaped. */
export async function openLink(
  resources: Resources,
  broker: BenchBroker,
  profile: ProfileId,
  counted = false,
): Promise<ShoreLink> {
  const { quality } = PROFILE_TABLE[profile];
  if (!quality && !counted) {
    await broker.kill();
    return new DirectLink(broker);
  }
  return shapedLink(resources, broker.port, profile);
}

/** A link of a profile in front of any port, closed. */
export async function shapedLink(resources: Resources, targetPort: number, profile: ProfileId): Promise<ShoreLink> {
  const child = resources.add(await Child.start<LinkCalls>('rig/link-process.js'), (process) => process.end());
  const port = await child.call('open', { targetPort, quality: PROFILE_TABLE[profile].quality ?? {} });
  return new ShapedLink(child, port);
}

/** Lets the link come and go as its profile says, until the signal. */
export async function playGaps(link: ShoreLink, profile: ProfileId, signal: AbortSignal): Promise<void> {
  const { gaps } = PROFILE_TABLE[profile];
  if (!gaps) return;
  const wait = (ms: number) => pause(ms, undefined, { signal }).catch(() => undefined);
  for (let waitMs = gaps.firstAfterMs; !signal.aborted; waitMs = gaps.everyMs - gaps.lengthMs) {
    await wait(waitMs);
    if (signal.aborted) return;
    await link.down();
    await wait(gaps.lengthMs);
    await link.up();
  }
}
