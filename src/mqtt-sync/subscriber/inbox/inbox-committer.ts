import { CommitGroup } from './commit-group.js';

/**
 * Commits in groups: one commit at a time; what is asked for meanwhile makes up the next one. A commit that fails takes
 * with it what was asked for since, which builds on it: memory is as it was before both, and the callers may ask again.
 */
export class InboxCommitter {
  private gathering = new CommitGroup();
  private inProgress: CommitGroup | undefined;
  private scheduled = false;

  constructor(
    private readonly commit: (group: CommitGroup) => Promise<void>,
    private readonly reportFailure: (error: unknown) => Error,
  ) {}

  /** Where to enter what is to be committed. */
  get group(): CommitGroup {
    return this.gathering;
  }

  /** The groups that are not committed yet, the newest first. */
  get uncommitted(): readonly CommitGroup[] {
    return this.inProgress ? [this.gathering, this.inProgress] : [this.gathering];
  }

  /** Resolves when what was entered so far is safe; rejects when it was taken back. One promise for all of a commit. */
  whenCommitted(): Promise<void> {
    if (this.gathering.isEmpty) return this.inProgress?.committed ?? Promise.resolve();
    this.wake();
    return this.gathering.committed;
  }

  /** Resolves when nothing is left to be committed. */
  async settled(): Promise<void> {
    while (this.inProgress || !this.gathering.isEmpty) await this.whenCommitted().catch(() => undefined);
  }

  private wake(): void {
    if (this.scheduled || this.inProgress) return;
    this.scheduled = true;
    // What else is asked for in this turn of the event loop joins in.
    setImmediate(() => {
      this.scheduled = false;
      void this.commitNext();
    });
  }

  private async commitNext(): Promise<void> {
    const group = (this.inProgress = this.gathering);
    this.gathering = new CommitGroup();
    try {
      await this.commit(group);
      this.inProgress = undefined;
      group.succeeded();
    } catch (error) {
      this.inProgress = undefined;
      this.takeBack([group, this.gathering], this.reportFailure(error));
    }
    if (!this.gathering.isEmpty) this.wake();
  }

  private takeBack(groups: readonly CommitGroup[], error: Error): void {
    this.gathering = new CommitGroup();
    for (const group of [...groups].reverse()) group.undo();
    for (const group of groups) group.failed(error);
  }
}
