/** The fields of a JSON object that somebody else wrote. */
export type Fields = Readonly<Record<string, unknown>>;

/** Reads a JSON object; undefined when the payload is none. */
export function parseFields(payload: Buffer): Fields | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString());
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a value has fields. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
