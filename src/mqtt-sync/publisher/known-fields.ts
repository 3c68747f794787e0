/** What the options of a change may have. */
export const OPTION_NAMES = ['key', 'qos', 'retain', 'messageId'] as const;

/** What a change may have. */
export const FIELD_NAMES = ['entity', 'operation', 'data', ...OPTION_NAMES] as const;

type FieldName = (typeof FIELD_NAMES)[number];

/** What options have that is not known: a slip of the pen, by which a key and so the order would be lost. */
export function unknownOption(options: object): string | undefined {
  for (const name in options) if (!isOption(name) && Object.hasOwn(options, name)) return name;
  return undefined;
}

/** What a change has that is not known. */
export function unknownField(change: object): string | undefined {
  for (const name in change) if (!isOption(name) && !isContent(name) && Object.hasOwn(change, name)) return name;
  return undefined;
}

// No look into the lists, which takes several times as long, and this is asked for each field of each change.
function isOption(name: string): boolean {
  switch (name as FieldName) {
    case 'key':
    case 'qos':
    case 'retain':
    case 'messageId':
      return true;
    default:
      return false;
  }
}

function isContent(name: string): boolean {
  switch (name as FieldName) {
    case 'entity':
    case 'operation':
    case 'data':
      return true;
    default:
      return false;
  }
}
