import { type MosquittoOptions, MosquittoProcess } from '../../helpers/mosquitto-process.js';
import { nowMs } from '../clock.js';

/** On shore: takes as much as a contender can send. */
const UNLIMITED = ['allow_anonymous true', 'max_inflight_messages 0', 'max_queued_messages 0', 'set_tcp_nodelay true'];
/** On shore, as it comes: it takes 20 unacknowledged messages at a time. */
const DEFAULTS = ['allow_anonymous true'];

/** Enough to see that it runs and who connects; a line per message would slow it down. */
const LOG_TYPES = ['error', 'warning', 'notice', 'information'];

/** A Mosquitto that tells when somebody connects. */
export class BenchBroker extends MosquittoProcess {
  private readonly connects: { readonly clientId: string; readonly atMs: number }[] = [];
  private rest = '';

  /** The broker on shore. */
  static async onShore(limits: 'unlimited' | 'defaults' = 'unlimited'): Promise<BenchBroker> {
    return BenchBroker.run((limits === 'unlimited' ? UNLIMITED : DEFAULTS).join('\n'));
  }

  static async run(config: MosquittoOptions['config']): Promise<BenchBroker> {
    const options = { ...(config !== undefined && { config }), logTypes: LOG_TYPES };
    return new BenchBroker(...(await MosquittoProcess.placeOf(options))).begin();
  }

  /** When a client connected first; undefined before. */
  firstConnectOf(isIt: (clientId: string) => boolean): number | undefined {
    return this.connects.find(({ clientId }) => isIt(clientId))?.atMs;
  }

  protected override said(text: string): void {
    super.said(text);
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      const clientId = /New (?:client|bridge) connected from \S+ as (\S+)/.exec(line)?.[1];
      if (clientId !== undefined) this.connects.push({ clientId, atMs: nowMs() });
    }
  }
}
