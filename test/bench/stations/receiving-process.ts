// A Nest application that receives, in a process of its own: with our transport strategy, or with Nest's own MQTT transport.
import 'reflect-metadata';
import type { INestApplicationContext } from '@nestjs/common';
import { nowMs } from '../clock.js';
import { serve } from '../rig/rpc.js';
import type { ReceivingCalls, ReceivingOptions, ReceivingResult } from './receiving-station.js';

let handled = 0;
let reached: { readonly at: number; readonly tell: () => void }[] = [];

/** The same work for both: it looks at the data, and is asynchronous as handlers are. */
function work(data: { readonly id?: string }): Promise<void> {
  if (data.id === undefined) throw new Error('not the data that was sent');
  handled++;
  for (const { at, tell } of reached) if (at === handled) tell();
  return Promise.resolve();
}

/** Loads only what the contender's user would have. */
async function start(options: ReceivingOptions): Promise<INestApplicationContext> {
  return options.contender === 'nest-mqtt'
    ? (await import('./nest-receiver.js')).startNestReceiver(options, work)
    : (await import('./sync-receiver.js')).startSyncReceiver(options, work);
}

let app: INestApplicationContext | undefined;

async function receive(params: Parameters<ReceivingCalls['receive']>[0]): Promise<ReceivingResult> {
  const { warmUp, count } = params;
  let [beganMs, beganCpu] = [0, process.cpuUsage()];
  const over = new Promise<ReceivingResult>((resolve) => {
    const begin = () => ([beganMs, beganCpu] = [nowMs(), process.cpuUsage()]);
    const end = () => {
      const { user, system } = process.cpuUsage(beganCpu);
      resolve({ elapsedMs: nowMs() - beganMs, cpuMs: (user + system) / 1000 });
    };
    reached = [
      { at: warmUp, tell: begin },
      { at: warmUp + count, tell: end },
    ];
  });
  app = await start(params);
  return over;
}

serve<ReceivingCalls>({
  receive,
  close: async () => {
    await app?.close();
    // After the answer is out.
    setImmediate(() => process.exit(0));
  },
});
