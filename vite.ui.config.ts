import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The modules of the operator page become one small file: over a satellite each request costs more than its bytes. */
export default defineConfig({
  root: path('src/service/ui'),
  publicDir: false,
  logLevel: 'warn',
  build: {
    outDir: path('dist/service/ui'),
    // The rest of the page is there already.
    emptyOutDir: false,
    modulePreload: false,
    target: 'es2022',
    rolldownOptions: { input: path('src/service/ui/main.js'), output: { entryFileNames: '[name].js' } },
  },
});
