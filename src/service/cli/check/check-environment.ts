import { type Environment, EnvironmentError, readEnvironment } from '../../environment/environment.js';
import { checkBroker, type CheckBrokerOptions } from './check-broker.js';
import { CheckFailure, type CheckStep, carryOut } from './check-step.js';

/** The whole check: the environment as the service would read it, then the broker that it names. */
export async function* checkEnvironment(
  env: NodeJS.ProcessEnv,
  how: Omit<CheckBrokerOptions, 'options'> = {},
): AsyncGenerator<CheckStep, void, undefined> {
  let environment: Environment | undefined;
  const step = await carryOut('configuration', () => {
    environment = understand(env);
    return { detail: `${environment.resolved.vesselId} to ${new URL(environment.resolved.brokerUrl).host}` };
  });
  yield step;
  if (environment) yield* checkBroker({ ...how, options: environment.resolved });
}

function understand(env: NodeJS.ProcessEnv): Environment {
  try {
    return readEnvironment(env);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    const { faults } = error;
    throw new CheckFailure(
      `${faults.length} bad ${faults.length === 1 ? 'variable' : 'variables'}`,
      faults.map(({ variable, message }) => `${variable}: ${message}`),
    );
  }
}
