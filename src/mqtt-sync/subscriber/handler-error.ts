import { errorText } from '../error-text.js';

/** What Nest puts in the place of every error that is no `RpcException`, after logging it. */
const HIDDEN_BY_NEST = 'Internal server error';

/** What a handler failed with, as an error: Nest's filters pass on plain objects. */
export function handlerError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  const message = messageOf(thrown);
  return new Error(
    message === HIDDEN_BY_NEST
      ? 'the handler threw; the log has the error (with MqttSyncExceptionFilter it would be told here)'
      : message,
  );
}

function messageOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return errorText(thrown);
  try {
    const { message } = thrown as { message?: unknown };
    if (typeof message === 'string') return message;
  } catch {
    // It has a message that cannot be read.
  }
  return 'the handler failed without a message';
}
