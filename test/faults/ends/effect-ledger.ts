/**
 * Judges how often the effect of each message happened. Once is right. Again is what the one documented window allows: in a later
 * life, where the kill fell between the handler's success and the commit of the inbox. Never again once it was recorded.
 */
export class EffectLedger {
  /** What must not have happened, for people. */
  readonly faults: string[] = [];
  private readonly lifeOf = new Map<string, number>();
  private readonly recorded = new Set<string>();
  private life = 0;
  private repeats = 0;
  private repeatsInLife = 0;
  private most = 0;

  /** Effects that happened again in a later life. */
  get repeated(): number {
    return this.repeats;
  }

  /** The most of them after one kill. */
  get mostAfterOneKill(): number {
    return this.most;
  }

  /** A process begins. */
  born(life: number): void {
    this.life = life;
    this.repeatsInLife = 0;
  }

  /** The handler has done its work. Answers whether it was for the first time. */
  effect(messageId: string): boolean {
    const before = this.lifeOf.get(messageId);
    this.lifeOf.set(messageId, this.life);
    if (before === undefined) return true;
    if (before === this.life) this.faults.push(`${messageId} was handled twice in life ${this.life}`);
    if (this.recorded.has(messageId)) this.faults.push(`${messageId} was handled again although it was recorded`);
    this.repeats++;
    this.most = Math.max(this.most, ++this.repeatsInLife);
    return false;
  }

  /** The inbox has it on disk. */
  record(messageId: string): void {
    this.recorded.add(messageId);
  }
}
