/** A call to a child process, or its answer. */
interface Message {
  readonly id: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: string;
}

/** What a child process does when it is called, by method. */
export type Handlers<Calls> = { readonly [Name in keyof Calls]: (params: never) => unknown };

/** Answers the calls of the parent for as long as that lives. */
export function serve<Calls>(handlers: Handlers<Calls>): void {
  process.on('message', (message: Message) => void answer(handlers, message));
  process.on('disconnect', () => process.exit(0));
  process.send!({ id: 0 } satisfies Message);
}

async function answer(handlers: Handlers<Record<string, never>>, { id, method, params }: Message): Promise<void> {
  try {
    const result = await handlers[method!]!(params as never);
    process.send!({ id, result } satisfies Message);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.send!({ id, error: text } satisfies Message);
  }
}

export type { Message };
