import { onTestFinished } from 'vitest';
import { LinkProxy } from './link-proxy.js';

/** A proxy that ends with the test. */
export class TcpProxy extends LinkProxy {
  static async start(targetPort: number): Promise<TcpProxy> {
    const proxy = await new TcpProxy(targetPort).listen();
    onTestFinished(() => proxy.stop());
    return proxy;
  }
}
