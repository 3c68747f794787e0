import { defineConfig } from 'vitest/config';
import { SkippedBrokersReporter } from './test/helpers/skipped-brokers-reporter.js';

export default defineConfig({
  test: {
    reporters: ['default', new SkippedBrokersReporter()],
    // Two cores are what a build machine has; more workers only make timing worse.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['src/**/*.spec.ts', 'test/unit/**/*.spec.ts'] } },
      { extends: true, test: { name: 'contract', include: ['test/contract/**/*.spec.ts'] } },
      {
        extends: true,
        test: { name: 'e2e', include: ['test/e2e/**/*.e2e-spec.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
      },
    ],
  },
});
