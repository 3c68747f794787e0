import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv, type AnySchemaObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

/** A message as the document describes it. */
export interface DescribedMessage {
  readonly payload: { readonly $ref: string };
  readonly examples: readonly { readonly name: string; readonly payload: unknown }[];
}

interface Channel {
  readonly address: string;
  readonly messages: Readonly<Record<string, { readonly $ref: string }>>;
}

interface Document {
  readonly channels: Readonly<Record<string, Channel>>;
  readonly components: { readonly messages: Readonly<Record<string, DescribedMessage>> };
}

const PATH = fileURLToPath(new URL('../../docs/asyncapi.yaml', import.meta.url));

function newAjv(): Ajv {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  return ajv;
}

/** `docs/asyncapi.yaml`, to hold messages against. */
export class AsyncApi {
  readonly document = parse(readFileSync(PATH, 'utf8')) as Document;
  private readonly ajv = newAjv().addSchema(this.document, 'asyncapi');

  /** What is wrong with the document by the schema of AsyncAPI 3.0.0. */
  faults(): unknown[] {
    const schema = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0-without-$id.json') as AnySchemaObject;
    const validate = newAjv().compile(schema);
    return validate(this.document) ? [] : (validate.errors ?? []);
  }

  /** Checks payloads against the schema of a message. */
  validatorOf(message: string): ValidateFunction {
    return this.ajv.compile({ $ref: `asyncapi${this.document.components.messages[message]!.payload.$ref}` });
  }

  /** The messages that a topic may carry: of the channel with the fewest placeholders that fits. */
  messagesOn(topic: string): string[] {
    const channels = Object.values(this.document.channels)
      .filter(({ address }) => new RegExp(`^${address.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(topic))
      .sort((one, other) => placeholders(one) - placeholders(other));
    const references = Object.values(channels[0]?.messages ?? {});
    return references.map(({ $ref }) => $ref.replace('#/components/messages/', ''));
  }
}

const placeholders = ({ address }: Channel): number => address.split('{').length;
