/** A topic as one PUBLISH carries it. */
export interface WrittenTopic {
  /** Empty when the alias alone says which topic is meant. */
  readonly topic: string;
  /** Undefined when the topic has none. */
  readonly alias: number | undefined;
}

/**
 * Numbers that stand for topics on one connection (MQTT 5, section 3.3.2.3.4): the first PUBLISH of a topic carries both,
 * the following ones the number only. The broker says how many it takes; the topics that come first get them.
 */
export class TopicAliases {
  private readonly aliases = new Map<string, number>();

  constructor(private readonly maximum: number) {}

  /** How the next PUBLISH of a topic is written. */
  write(topic: string): WrittenTopic {
    const known = this.aliases.get(topic);
    if (known !== undefined) return { topic: '', alias: known };
    return { topic, alias: this.aliases.size < this.maximum ? this.aliases.size + 1 : undefined };
  }

  /** A PUBLISH was written: from now on the broker knows the alias that it carried. */
  written(topic: string, { alias }: WrittenTopic): void {
    if (alias !== undefined) this.aliases.set(topic, alias);
  }
}
