/** Links and pictures of a document that lead to files of the project, or to a place in itself. */
export function linksOf(text: string): readonly string[] {
  const links = [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)].map(
    ([, link, source]) => link ?? source!,
  );
  return links.filter((link) => !/^[a-z]+:/.test(link));
}

/** The TypeScript files that a document shows, by its sections: each block begins with a comment that has its name. */
export function filesIn(text: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const sections = text.split(/^## /m).map((section) => {
    const blocks = [...section.matchAll(/^```ts\n([^]*?)^```/gm)].map(([, code]) => code!);
    return [section.split('\n', 1)[0]!, new Map(blocks.map((code) => [nameOf(code), code]))] as const;
  });
  return new Map(sections.filter(([, files]) => files.size > 0));
}

function nameOf(code: string): string {
  const name = /^\/\/ ([\w.-]+\.ts)\b/.exec(code)?.[1];
  if (name === undefined) throw new Error(`A block without the name of its file:\n${code}`);
  return name;
}
