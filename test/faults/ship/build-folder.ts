import { fileURLToPath } from 'node:url';

/** Where `build-ships.ts` puts the compiled product and ships. */
export const BUILD_FOLDER = fileURLToPath(new URL('../../../build/faults/', import.meta.url));
