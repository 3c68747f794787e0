/** Why a message is a dead letter: the broker will never take it as it is, it cannot be sent, or its record is damaged. */
export const DEAD_LETTER_REASONS = [
  'refused',
  'too_large_for_broker',
  'broker_hangs_up',
  'cannot_be_encoded',
  'corrupt',
] as const;
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

/** Why changes cannot be accepted, in words for people; after that of a failing store comes what the store said. */
export const UNAVAILABLE = {
  stopping: 'the process is stopping',
  notOpen: 'the queue is not open',
  failing: "The queue's store cannot be used just now",
  closed: 'the queue is closed',
} as const;
