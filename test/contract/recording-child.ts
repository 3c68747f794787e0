// Records handled changes as fast as it can, and writes down which are safe; run as a process of its own, to be killed.
import { writeSync } from 'node:fs';
import { silentLogger } from '../../src/mqtt-sync/logger.js';
import { LmdbInbox } from '../../src/mqtt-sync/subscriber/inbox/lmdb-inbox.js';
import { systemClock } from '../../src/mqtt-sync/time/clock.js';

const STDOUT = 1;
const [dir, round] = process.argv.slice(2) as [string, string];
const limits = { maxIds: 500, maxAgeS: 1000, maxParked: 20, maxParkedBytes: 1e6, catchUpFrom: 'first_seen' as const };
const inbox = new LmdbInbox({ ...limits, dir }, systemClock, silentLogger);
await inbox.open();
writeSync(STDOUT, 'open\n');

async function recordForEver(entity: string): Promise<void> {
  const stream = { vesselId: 'mv-test', epoch: Number(round), entity };
  for (let sequence = 1; ; sequence++) {
    const identity = { ...stream, sequence, messageId: `${entity} ${round} ${sequence}`, key: `k${sequence % 7}` };
    const change = { ...identity, retained: false, replayed: false };
    if (sequence % 10 === 0) {
      await inbox.recordLost(stream, [{ from: sequence, to: sequence, reason: 'dropped' }]);
      writeSync(STDOUT, `lost ${entity} ${sequence}\n`);
    } else if (sequence % 10 === 5) {
      const draft = { topic: 't', payload: Buffer.from(`${entity} ${sequence}`), qos: 1 as const, retained: false };
      await inbox.park({ ...draft, identity: change, reason: 'handler_failed', error: 'e', attempts: 1 });
      writeSync(STDOUT, `parked ${entity} ${sequence}\n`);
    } else {
      await inbox.recordHandled(change);
      writeSync(STDOUT, `handled ${entity} ${sequence}\n`);
    }
  }
}

await Promise.all(['a', 'b', 'c', 'd'].map((entity) => recordForEver(entity)));
