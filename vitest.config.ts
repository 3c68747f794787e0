import { defineConfig } from 'vitest/config';
import { scale, SCALE_VARIABLE } from './test/faults/scale.js';
import { FaultSummaryReporter } from './test/faults/summary/summary-reporter.js';
import { SkippedBrokersReporter } from './test/helpers/skipped-brokers-reporter.js';

/** The fault suite takes its time, so it runs only where its own scripts ask for it. */
const withFaults = process.env[SCALE_VARIABLE] !== undefined;

/** The pictures of the documents are taken only where somebody asks for them. */
const withScreenshots = process.env['ARUS_SCREENSHOTS'] !== undefined;

const faults = {
  extends: true as const,
  test: {
    name: 'faults',
    include: ['test/faults/**/*.fault-spec.ts'],
    globalSetup: ['test/faults/ship/build-ships.ts'],
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
};

export default defineConfig({
  test: {
    reporters: ['default', new SkippedBrokersReporter(), ...(withFaults ? [new FaultSummaryReporter()] : [])],
    // Two cores are what a build machine has; more workers only make timing worse. Faults mostly wait.
    maxWorkers: withFaults ? scale.workers : 2,
    // Ceilings for a busy machine: what waits says by itself, and sooner, what it waited for.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['src/**/*.spec.ts', 'test/unit/**/*.spec.ts', 'test/bench/**/*.spec.ts'] },
      },
      { extends: true, test: { name: 'contract', include: ['test/contract/**/*.spec.ts'] } },
      {
        extends: true,
        test: { name: 'e2e', include: ['test/e2e/**/*.e2e-spec.ts'], testTimeout: 180_000, hookTimeout: 60_000 },
      },
      {
        extends: true,
        test: {
          name: 'ui',
          include: [withScreenshots ? 'test/ui/screenshots.ts' : 'test/ui/**/*.ui-spec.ts'],
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
      ...(withFaults ? [faults] : []),
    ],
  },
});
