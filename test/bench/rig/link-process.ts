// The link between a contender and its broker, in a process of its own: shaping must not take turns from the contender.
import { LinkProxy } from '../../helpers/link-proxy.js';
import type { LinkQuality } from '../../helpers/shaped-pipe.js';
import type { LinkCalls } from './link-calls.js';
import { serve } from './rpc.js';

class LinkProcess {
  private proxy: LinkProxy | undefined;

  async open(targetPort: number, quality: LinkQuality): Promise<number> {
    this.proxy = await LinkProxy.open(targetPort);
    Object.assign(this.at.quality.up, quality);
    Object.assign(this.at.quality.down, quality);
    await this.at.refuse();
    return this.at.port;
  }

  get at(): LinkProxy {
    if (!this.proxy) throw new Error('the link is not open');
    return this.proxy;
  }
}

const here = new LinkProcess();

serve<LinkCalls>({
  open: ({ targetPort, quality }: Parameters<LinkCalls['open']>[0]) => here.open(targetPort, quality),
  up: () => here.at.accept(),
  down: async () => {
    await here.at.refuse();
    here.at.cut();
  },
  carriedBytes: () => here.at.carriedBytes,
});
