import { Logger } from '@nestjs/common';
import { onTestFinished } from 'vitest';

/** What the applications of this process log, from now to the end of the test. */
export class LogBook {
  readonly lines: string[] = [];

  /** To be opened before the applications start: each of them sets the logger of the whole process. */
  static open(): LogBook {
    const book = new LogBook();
    const note = (level: string) => (message: unknown) => {
      book.lines.push(`${level} ${String(message)}`);
    };
    const override = Logger.overrideLogger.bind(Logger);
    override({ log: note('log'), warn: note('warn'), error: note('error'), debug: note('debug') });
    Logger.overrideLogger = () => {};
    onTestFinished(() => {
      Logger.overrideLogger = override;
      override(false);
    });
    return book;
  }

  matching(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line));
  }
}
