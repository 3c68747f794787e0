import { type Writable } from 'node:stream';
import { type MqttClient } from 'mqtt';

type BuildStream = (client: MqttClient) => MqttClient['stream'];

/**
 * Makes a parser that throws on what the broker sent end the connection instead of the process. MQTT.js feeds its parser
 * in the `_write` of a stream that it pipes the socket into, where nobody catches; so the socket's `pipe` is the place.
 * Call it before `client.connect()`.
 */
export function guardParser(client: MqttClient): void {
  const internals = client as unknown as { streamBuilder: BuildStream };
  const build = internals.streamBuilder;
  internals.streamBuilder = (owner) => {
    const stream = build(owner);
    const pipe = stream.pipe.bind(stream) as (destination: Writable) => Writable;
    const guardedPipe = (parser: Writable): Writable => {
      const write = parser._write.bind(parser);
      parser._write = (chunk, encoding, done) => {
        try {
          write(chunk, encoding, done);
        } catch (error) {
          stream.destroy(new Error('malformed packet', { cause: error }));
        }
      };
      return pipe(parser);
    };
    stream.pipe = guardedPipe as typeof stream.pipe;
    return stream;
  };
}
