import { once } from 'node:events';
import { Acts, SHORT_STORY, WHOLE_STORY } from './acts.js';
import { Figures } from './figures.js';
import { type DemoOptions, HELP, readOptions } from './options.js';
import { printLedger } from './report.js';
import { Stage } from './stage.js';
import { Terminal } from './terminal.js';

/** What a shell reports of a process that SIGINT ended. */
const EXIT_INTERRUPTED = 130;

class Interrupted extends Error {}

/** Tells the whole story. Resolves to whether the ledger balances. */
async function run(options: DemoOptions, terminal: Terminal, curtain: AbortController): Promise<boolean> {
  const stage = await Stage.build(options, curtain.signal);
  const script = options.quick ? SHORT_STORY : WHOLE_STORY;
  const figures = new Figures(stage, terminal, script.outageSeconds * script.outagePerSecond);
  const fail = (reason: unknown): void => curtain.abort(reason);
  try {
    stage.shore.onLoss(fail);
    stage.service.onUnexpectedExit(fail);
    await stage.service.start(curtain.signal);
    introduce(stage, terminal);
    figures.start();
    stage.ship.onFailure(fail);
    await new Acts(stage, script, terminal, curtain.signal).play();
    figures.stop();
    const balances = printLedger(stage.ledger.balance(), stage.ship.repeatedPosts, terminal);
    if (options.keep) await stayUp(stage, terminal, curtain.signal);
    return balances;
  } catch (error) {
    figures.stop();
    if (!(error instanceof Interrupted)) tellState(stage, terminal);
    throw error;
  } finally {
    figures.stop();
    curtain.abort(new Interrupted('the story is over'));
    terminal.say('Clearing up.');
    await stage.clear();
  }
}

function introduce(stage: Stage, terminal: Terminal): void {
  const { service, broker, link } = stage;
  terminal.say('A ship, a satellite link, a broker on shore. The service on board is under test.');
  terminal.say();
  terminal.say('Look at it while it runs:');
  terminal.say(`  health   ${service.healthUrl}`);
  terminal.say(`  metrics  ${service.baseUrl}/metrics`);
  terminal.say(`  live     ${service.baseUrl}/health/live`);
  terminal.say(`  ready    ${service.baseUrl}/health/ready`);
  terminal.say(`  broker   mqtt://127.0.0.1:${broker.port}, through the link mqtt://127.0.0.1:${link.port}`);
}

async function stayUp(stage: Stage, terminal: Terminal, signal: AbortSignal): Promise<void> {
  terminal.title('Everything stays up until Ctrl-C. Post a change of your own:');
  const change = {
    entity: 'work_orders',
    operation: 'create',
    key: 'WO-1',
    data: { id: 'WO-1', title: 'Look around' },
  };
  terminal.say(`  curl -H 'content-type: application/json' -d '${JSON.stringify(change)}' ${stage.service.changesUrl}`);
  if (!signal.aborted) await once(signal, 'abort');
  if (!(signal.reason instanceof Interrupted)) throw signal.reason;
}

/** What helps to understand a failure. */
function tellState({ ledger, service }: Stage, terminal: Terminal): void {
  terminal.say();
  terminal.say(`Ended early, with ${ledger.acceptedCount} changes accepted and ${ledger.arrivedCount} on shore.`);
  terminal.say(`The last that the service said:\n${service.logTail()}`);
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const terminal = new Terminal();
  if (options === 'help') {
    terminal.say(HELP);
    return 0;
  }
  const curtain = new AbortController();
  const interrupt = (): void => {
    // Whoever asks twice wants out now; children that still run are killed on the way.
    if (curtain.signal.aborted) process.exit(EXIT_INTERRUPTED);
    curtain.abort(new Interrupted('interrupted'));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  try {
    return (await run(options, terminal, curtain)) ? 0 : 1;
  } catch (error) {
    if (error instanceof Interrupted) return EXIT_INTERRUPTED;
    terminal.say(terminal.style('red', `The demo failed: ${error instanceof Error ? error.message : String(error)}`));
    return 1;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 64;
}
