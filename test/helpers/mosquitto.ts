import { onTestFinished } from 'vitest';
import { findMosquitto, type MosquittoOptions, MosquittoProcess } from './mosquitto-process.js';
import { describeWith } from './programs.js';

/** A `describe` for tests that need a real Mosquitto; see `describeWith`. */
export function describeWithMosquitto(name: string, define: () => void): void {
  describeWith({ mosquitto: findMosquitto() }, name, define);
}

/** A broker that ends with the test. */
export class Mosquitto extends MosquittoProcess {
  static async start(options: MosquittoOptions = {}): Promise<Mosquitto> {
    const broker = new Mosquitto(...(await MosquittoProcess.placeOf(options)));
    onTestFinished(() => broker.dispose());
    return broker.begin();
  }
}
