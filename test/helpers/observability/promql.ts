const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan', 'start', 'end']);

/** What is no metric name and no operator: strings, label matchers, ranges, lists of labels. */
const REST: readonly RegExp[] = [
  /"(?:[^"\\]|\\.)*"/g,
  /\{[^}]*\}/g,
  /\[[^\]]*\]/g,
  /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g,
];

/** Names of the metrics that an expression reads. */
export function metricNamesIn(expr: string): string[] {
  const bare = REST.reduce((text, pattern) => text.replaceAll(pattern, ' '), expr);
  const identifiers = bare.matchAll(/(?<![\w:.])[a-zA-Z_:][\w:]*(?!\s*\()(?![\w:])/g);
  const names = [...identifiers].map(([name]) => name);
  return [...new Set(names)].filter((name) => !KEYWORDS.has(name.toLowerCase()));
}
