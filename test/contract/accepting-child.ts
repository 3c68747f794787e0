// Accepts changes as fast as it can, and writes down what was accepted; run as a process of its own, to be killed.
import { writeSync } from 'node:fs';
import { silentLogger } from '../../src/mqtt-sync/logger.js';
import { DiskQueue } from '../../src/mqtt-sync/queue/disk-queue.js';
import { systemClock } from '../../src/mqtt-sync/time/clock.js';
import { DraftEnvelope } from '../../src/mqtt-sync/wire/envelope.js';

const STDOUT = 1;
const [dir, round] = process.argv.slice(2) as [string, string];
const limits = { maxMessages: 1e6, maxBytes: 1e9, overflowPolicy: 'drop-oldest' as const, maxDeadLetters: 10 };
const journal = { maxAgeS: 3600, maxBytes: 1e8 };
const queue = new DiskQueue({ ...limits, dir, journal }, systemClock, silentLogger);
await queue.open({ vesselId: 'mv-test', isExplicit: true });
writeSync(STDOUT, 'open\n');

async function acceptForEver(entity: string, caller: number): Promise<void> {
  for (let count = 0; ; count++) {
    const messageId = `${round}-${caller}-${count}`;
    const known = { entity, operation: 'update' as const, key: 'k', messageId };
    const envelope = new DraftEnvelope({ ...known, vesselId: 'v', timestamp: 't', dataJson: '1' });
    const rest = { topic: 't', qos: 1 as const, retain: true, acceptedAtMs: 0, lane: 'normal' as const };
    const [accepted] = await queue.accept([{ ...known, ...rest, envelope, idIsGiven: count % 2 === 0 }]);
    writeSync(STDOUT, `${entity} ${accepted!.sequence} ${messageId}\n`);
    // Some are delivered meanwhile; that they are gone is no promise, that the rest is still there is.
    if (count % 3 === 0) {
      const message = queue.take('normal', () => true);
      if (message) {
        writeSync(STDOUT, `removing ${message.messageId}\n`);
        queue.remove([message]);
      }
    }
  }
}

await Promise.all(Array.from({ length: 8 }, (_, caller) => acceptForEver(`type_${caller % 3}`, caller)));
