import { expect, it } from 'vitest';
import { describeFileSystem, fileSystemOf } from './file-system.js';

const MOUNTS = `/dev/vda / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
/dev/vdb /tmp xfs rw 0 0
tmpfs /tmp/fast tmpfs rw 0 0
/dev/vdc /mnt/two\\040words btrfs rw 0 0
`;

it('finds the file system with the longest mount point', () => {
  expect(fileSystemOf('/home/user', MOUNTS)).toBe('ext4');
  expect(fileSystemOf('/tmp', MOUNTS)).toBe('xfs');
  expect(fileSystemOf('/tmp/fast/queue', MOUNTS)).toBe('tmpfs');
});

it('does not take a folder for one whose name is the beginning of its own', () => {
  expect(fileSystemOf('/tmp/faster', MOUNTS)).toBe('xfs');
});

it('takes what was mounted last, over the others', () => {
  expect(fileSystemOf('/tmp', `${MOUNTS}tmpfs /tmp tmpfs rw 0 0\n`)).toBe('tmpfs');
});

it('reads mount points with blanks', () => {
  expect(fileSystemOf('/mnt/two words/queue', MOUNTS)).toBe('btrfs');
});

it('does not know what nobody says', () => {
  expect(fileSystemOf('/tmp', '')).toBe('unknown');
});

it('warns of memory that looks like a disk', () => {
  expect(describeFileSystem('tmpfs')).toMatch(/fsync costs nothing/);
  expect(describeFileSystem('ext4')).toBe('ext4');
});
