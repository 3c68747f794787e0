import type { HealthDocument } from '../../health/health-document.js';

const SYNC = '/api/mqtt/reliable-sync';

/** An answer of the instance. */
interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The instance under test, over HTTP. */
export class Instance {
  constructor(
    private readonly url: string,
    private readonly token: string | undefined,
    private readonly timeoutMs: number,
  ) {}

  get(path: string): Promise<Answer> {
    return this.request(path, {});
  }

  /** @throws {Error} when what is there is no health document of ours. */
  async health(): Promise<HealthDocument> {
    const { status, text } = await this.get(`${SYNC}/health`);
    if (status !== 200) throw new Error(unexpected(status, text));
    const document = parsed(text) as Partial<HealthDocument> | undefined;
    if (!document?.service || !document.mqtt?.topics) throw new Error('answered, but not with a health document');
    return document as HealthDocument;
  }

  async metrics(): Promise<string> {
    const { status, text } = await this.get('/metrics');
    if (status !== 200) throw new Error(unexpected(status, text));
    return text;
  }

  /** @throws {Error} with the problem that the instance answered. */
  async post(change: object): Promise<void> {
    const { status, text } = await this.request(`${SYNC}/changes`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        ...(this.token !== undefined && { Authorization: `Bearer ${this.token}` }),
      },
      body: JSON.stringify(change),
    });
    if (status !== 202) throw new Error(unexpected(status, text));
  }

  private async request(path: string, init: RequestInit): Promise<Answer> {
    const response = await this.fetch(path, init);
    return { status: response.status, text: await response.text() };
  }

  private async fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(`${this.url}${path}`, { ...init, signal: AbortSignal.timeout(this.timeoutMs) });
    } catch (error) {
      const { name, message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
      if (name === 'TimeoutError') throw new Error(`no answer within ${this.timeoutMs / 1000} s`, { cause: error });
      throw new Error(`cannot be reached: ${cause?.code ?? cause?.message ?? message}`, { cause: error });
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What an instance says of itself in a problem document, or the beginning of anything else. */
function unexpected(status: number, text: string): string {
  const problem = parsed(text) as { title?: unknown; detail?: unknown } | undefined;
  const said = problem?.detail ?? problem?.title ?? text.slice(0, 100).replace(/\s+/g, ' ');
  const words = typeof said === 'string' && said !== '' ? said : 'nothing';
  if (status !== 401 && status !== 403) return `answered ${status}: ${words}`;
  return `answered ${status}: ${words.replace(/\.$/, '')}; give the token by SYNC_INGRESS_TOKEN or --token-file`;
}
