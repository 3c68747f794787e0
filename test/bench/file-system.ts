/** File systems that keep everything in memory. */
const IN_MEMORY = ['tmpfs', 'ramfs'];

/**
 * What kind of file system a folder is on.
 * @param folder absolute, and without links.
 * @param mounts what `/proc/mounts` says (proc(5)): device, mount point, kind and more; what was mounted last hides the
 *   others.
 */
export function fileSystemOf(folder: string, mounts: string): string {
  let found = { mountPoint: '', kind: 'unknown' };
  for (const line of mounts.split('\n')) {
    const [, escaped, kind] = line.split(' ');
    if (escaped === undefined || kind === undefined) continue;
    // Blanks in a path would end the field.
    const mountPoint = escaped.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    if (isWithin(folder, mountPoint) && mountPoint.length >= found.mountPoint.length) found = { mountPoint, kind };
  }
  return found.kind;
}

/** The same for people. */
export function describeFileSystem(kind: string): string {
  return IN_MEMORY.includes(kind) ? `${kind}, where fsync costs nothing` : kind;
}

function isWithin(folder: string, mountPoint: string): boolean {
  return mountPoint === '/' || folder === mountPoint || folder.startsWith(`${mountPoint}/`);
}
