import { expect } from 'vitest';
import type { MqttSyncOptions } from '../../src/mqtt-sync/mqtt-sync.options.js';
import { resolveOptions } from '../../src/mqtt-sync/resolve-options.js';
import { checkBroker, type CheckBrokerOptions } from '../../src/service/cli/check/check-broker.js';
import type { CheckName, CheckStep } from '../../src/service/cli/check/check-step.js';

/** All steps, in their order. */
export async function collect(steps: AsyncIterable<CheckStep>): Promise<CheckStep[]> {
  const all: CheckStep[] = [];
  for await (const step of steps) all.push(step);
  return all;
}

/** Checks the way to a broker, as `mv-aurora` if nothing else is said. */
export function check(options: MqttSyncOptions, how: Omit<CheckBrokerOptions, 'options'> = {}): Promise<CheckStep[]> {
  const resolved = resolveOptions({ vesselId: 'mv-aurora', ...options });
  return collect(checkBroker({ timeoutMs: 5000, ...how, options: resolved }));
}

/** Holds the last step against what is expected of it; everything before it must not have failed. */
export function expectFailure(steps: readonly CheckStep[], name: CheckName, detail: RegExp, advice: RegExp): void {
  const last = steps.at(-1);
  expect(steps.slice(0, -1).filter(({ status }) => status === 'failed')).toEqual([]);
  expect([last?.name, last?.status, last?.detail]).toEqual([name, 'failed', expect.stringMatching(detail)]);
  expect(last?.advice.join(' ')).toMatch(advice);
}
