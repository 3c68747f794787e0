import type { StreamAccount } from '../../../src/mqtt-sync/subscriber/inbox/inbox.js';
import type { Range } from '../../../src/mqtt-sync/wire/sequence-ranges.js';
import type { Gone } from '../oracle/oracle.js';

/**
 * Where a receiver's account of what will not come is not that of the oracle. What was dropped has to be told as lost.
 * A dead letter, which its sender still keeps, is missing, or lost once it was given up; of one beyond the changes that the
 * receiver has seen of its entity type it cannot know.
 */
export function gapDisagreements(gone: Iterable<Gone>, accounts: Iterable<StreamAccount>): string[] {
  const all = [...accounts];
  const [lost, missing] = [namesIn(all, 'lost'), namesIn(all, 'missing')];
  const disagreements: string[] = [];
  const right = new Set<string>();
  for (const { entity, sequence, how } of gone) {
    const name = `${entity} ${sequence}`;
    right.add(name);
    const isKnown =
      how === 'dropped' || all.some((account) => account.entity === entity && isWithin(account, sequence));
    const isTold = lost.has(name) || (how === 'dead_lettered' && missing.has(name));
    if (isKnown && !isTold) disagreements.push(`${name} is ${how}, and the receiver does not say so`);
  }
  for (const name of [...lost, ...missing])
    if (!right.has(name)) disagreements.push(`${name} is ${lost.has(name) ? 'lost' : 'missing'} for the receiver only`);
  return disagreements;
}

function namesIn(accounts: readonly StreamAccount[], field: 'lost' | 'missing'): Set<string> {
  return new Set(accounts.flatMap((account) => account[field].flatMap((range) => namesOf(account.entity, range))));
}

function namesOf(entity: string, { from, to }: Range): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `${entity} ${from + index}`);
}

function isWithin({ first, highest }: StreamAccount, sequence: number): boolean {
  return first !== undefined && first < sequence && sequence < highest;
}
