import { connect, type LookupFunction } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { until } from '../../../test/helpers/wait.js';
import { type LookupAnswer, NameLookup } from './name-lookup.js';

interface Question {
  readonly host: string;
  readonly answer: LookupAnswer;
}

const ADDRESSES = [{ address: '192.0.2.1', family: 4 }];

/** Look-ups of a resolver that answers when the test says so, and what each caller was told, by its name. */
function scene() {
  const questions: Question[] = [];
  const told: string[] = [];
  const names = new NameLookup((host, _options, answer) => void questions.push({ host, answer }));
  const ask = (caller: string, host: string, family = 0): AbortController => {
    const leaving = new AbortController();
    names.lookUp(host, { all: true, family }, leaving.signal, (error, addresses) =>
      told.push(`${caller}: ${error?.message ?? JSON.stringify(addresses)}`),
    );
    return leaving;
  };
  return { questions, told, ask };
}

it('asks once for a name that is being looked up, and gives everybody the answer', () => {
  const { questions, told, ask } = scene();
  ask('a', 'broker.test');
  ask('b', 'broker.test');
  expect(questions).toHaveLength(1);
  questions[0]?.answer(null, ADDRESSES);
  expect(told).toEqual(['a', 'b'].map((caller) => `${caller}: ${JSON.stringify(ADDRESSES)}`));
});

it('asks anew once it has an answer, also when that was a failure', () => {
  const { questions, told, ask } = scene();
  ask('a', 'broker.test');
  questions[0]?.answer(new Error('EAI_AGAIN'), []);
  ask('b', 'broker.test');
  expect(questions).toHaveLength(2);
  expect(told).toEqual(['a: EAI_AGAIN']);
});

it('keeps different questions apart', () => {
  const { questions, ask } = scene();
  ask('a', 'broker.test');
  ask('b', 'shore.test');
  ask('c', 'broker.test', 4);
  expect(questions.map(({ host }) => host)).toEqual(['broker.test', 'shore.test', 'broker.test']);
});

it('tells nobody who has left, and leaves the look-up to the others', () => {
  const { questions, told, ask } = scene();
  ask('a', 'broker.test').abort();
  ask('b', 'broker.test');
  questions[0]?.answer(null, ADDRESSES);
  expect(told).toEqual([`b: ${JSON.stringify(ADDRESSES)}`]);
  expect(questions).toHaveLength(1);
});

it('asks the operating system unless told otherwise, as a socket wants it', async () => {
  const names = new NameLookup();
  const answers: unknown[] = [];
  const lookup: LookupFunction = (host, options, answer) =>
    names.lookUp(host, options, new AbortController().signal, (error, ...rest) => {
      answers.push(rest[0]);
      answer(error, ...rest);
    });
  const socket = connect({ host: 'localhost', port: 1, lookup });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await until(() => answers.length > 0, { what: 'the answer' });
  expect(answers[0]).toEqual(expect.arrayContaining([expect.objectContaining({ address: '127.0.0.1' })]));
});
