import { type Balance, faultsOf } from './ledger.js';
import type { Terminal } from './terminal.js';

/** Prints the ledger and the verdict. Returns whether it balances. */
export function printLedger(balance: Balance, repeatedPosts: number, terminal: Terminal): boolean {
  const rows: readonly (readonly [string, number, string])[] = [
    ['accepted', balance.accepted, 'answered with 202, so promised'],
    ['delivered', balance.delivered, 'of these, seen on shore'],
    ['lost', balance.lost, ''],
    ['out of order', balance.outOfOrder, 'within one entity'],
    ['altered', balance.altered, ''],
    ['unexpected', balance.unexpected, 'on shore, never accepted'],
    ['dropped', balance.dropped, 'told as gaps'],
    ['duplicates removed', balance.duplicatesRemoved, 'sent twice because an acknowledgement was cut off'],
    ['posts repeated', repeatedPosts, 'by the ship, for want of an answer; each is still one change'],
  ];
  terminal.title('The ledger');
  for (const [name, value, meaning] of rows) {
    terminal.say(`  ${name.padEnd(20)}${value.toLocaleString('en').padStart(8)}   ${meaning}`.trimEnd());
  }
  const faults = faultsOf(balance);
  terminal.say();
  if (faults.length === 0) terminal.say(terminal.style('green', 'The ledger balances.'));
  for (const fault of faults) terminal.say(terminal.style('red', `The ledger does not balance: ${fault}.`));
  return faults.length === 0;
}
