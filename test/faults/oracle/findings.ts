/** What the oracle can find wrong. */
export type FindingKind =
  | 'lost'
  | 'reordered'
  | 'changed'
  | 'repeated_after_deduplication'
  | 'told_gone_but_arrived'
  | 'unpromised'
  | 'counter'
  | 'nothing_accepted'
  | ReceiverFindingKind;

/** What a receiver that is attached to a fault can have done wrong. */
export type ReceiverFindingKind =
  | 'not_handled'
  | 'handled_out_of_order'
  | 'handled_changed'
  | 'handled_again'
  | 'handled_unpromised'
  | 'parked'
  | 'gaps_told_wrong';

/** One kind of finding: how often, and the first few. */
export interface Finding {
  readonly kind: FindingKind;
  readonly count: number;
  readonly examples: readonly string[];
}

const EXAMPLES = 5;

/** Counts findings and keeps the first few of each kind, however many there are. */
export class Findings {
  private readonly found = new Map<FindingKind, { count: number; readonly examples: string[] }>();

  add(kind: FindingKind, example: string): void {
    let finding = this.found.get(kind);
    if (!finding) this.found.set(kind, (finding = { count: 0, examples: [] }));
    finding.count++;
    if (finding.examples.length < EXAMPLES) finding.examples.push(example);
  }

  count(kind: FindingKind): number {
    return this.found.get(kind)?.count ?? 0;
  }

  toArray(): Finding[] {
    return [...this.found].map(([kind, { count, examples }]) => ({ kind, count, examples: [...examples] }));
  }
}
