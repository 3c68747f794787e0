import { InvalidArgumentError, Option } from 'commander';
import { ENTITY_TYPE_FORM, isEntityType } from '../../../mqtt-sync/wire/entity-policies.js';

/** The option that chooses an entity type; what is none is a slip of the pen, and not a type of which there is nothing. */
export function entityOption(description: string): Option {
  return new Option('--entity <type>', description).argParser((text: string) => {
    if (isEntityType(text)) return text;
    throw new InvalidArgumentError(`An entity type is ${ENTITY_TYPE_FORM}.`);
  });
}
