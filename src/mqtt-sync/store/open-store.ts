import type { RootDatabase } from 'lmdb';
import { isDamage, openRoot } from './lmdb-file.js';
import type { StoreFolder } from './store-folder.js';

type Root = RootDatabase<Buffer, string>;

/** How a store is opened, once its folder was entered. */
export interface StoreOpening<Databases, Contents> {
  readonly open: (root: Root) => Databases;
  /** @throws {DamagedStoreError} it cannot be relied on. */
  readonly read: (databases: Databases) => Promise<Contents> | Contents;
}

/** Opens a store and reads what it holds; one that is damaged is set aside, and a new one begun. */
export async function openStore<Databases, Contents>(
  folder: StoreFolder,
  { open, read }: StoreOpening<Databases, Contents>,
): Promise<{ readonly databases: Databases; readonly contents: Contents }> {
  const attempt = async () => {
    const root = openRoot(folder.storePath);
    try {
      await folder.noteOpened();
      const databases = open(root);
      return { databases, contents: await read(databases) };
    } catch (error) {
      await root.close();
      throw error;
    }
  };
  try {
    return await attempt();
  } catch (error) {
    if (!isDamage(error)) throw error;
    await folder.setStoreAside(error instanceof Error ? error.message : String(error));
    return attempt();
  }
}
