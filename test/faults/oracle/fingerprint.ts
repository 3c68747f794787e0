import { createHash } from 'node:crypto';

/** What of a change must arrive as it was given. */
export interface ChangeContent {
  readonly entity: string;
  readonly operation: string;
  readonly key?: string | undefined;
  readonly data?: unknown;
}

/** 48 bits of a hash over a change's content: enough to notice any accident, and small enough to keep a million of. */
export function fingerprint({ entity, operation, key, data }: ChangeContent): number {
  const text = JSON.stringify([entity, operation, key ?? null, data]);
  return createHash('sha1').update(text).digest().readUIntBE(0, 6);
}
