function silent(): never {
  throw new Error('not a word');
}

/** What may be thrown and cannot be put into words the way that errors are. */
export const WORDLESS: readonly { readonly what: string; readonly thrown: unknown }[] = [
  { what: 'an object without a prototype', thrown: Object.create(null) },
  { what: 'an object whose toString throws', thrown: { toString: silent } },
  { what: 'an error whose message is a list', thrown: Object.assign(new Error('x'), { message: ['a', 'b'] }) },
  {
    what: 'an error whose message cannot be read',
    thrown: Object.defineProperty(new Error(), 'message', { get: silent }),
  },
  { what: 'an error with a number for its code', thrown: Object.assign(new Error(''), { code: 5 }) },
  { what: 'a collection of errors that is none', thrown: Object.assign(new AggregateError([], ''), { errors: 7 }) },
];
