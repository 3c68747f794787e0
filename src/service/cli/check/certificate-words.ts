import { CheckFailure } from './check-step.js';

/** Renewing a certificate on a ship takes its time. */
const SOON_DAYS = 30;
const DAY_MS = 86_400_000;

/** A date of a certificate as a day, UTC. */
export const dayOf = (date: string): string => new Date(date).toISOString().slice(0, 10);

/** The common name in a subject or issuer, which Node gives line by line. */
export const commonNameOf = (subject: string): string =>
  /^CN=(.*)$/m.exec(subject)?.[1] ?? subject.replaceAll('\n', ', ');

/**
 * Advice on a certificate that ends soon.
 * @throws {CheckFailure} when it has ended, or has not begun.
 */
export function adviceOnEnd(
  what: string,
  { validFrom, validTo }: { validFrom: string; validTo: string },
  now: Date,
): string[] {
  const clock = `The clock of this machine says ${now.toISOString().slice(0, 16)}Z; a wrong clock looks the same.`;
  if (new Date(validTo) < now) {
    throw new CheckFailure(`the ${what} ended on ${dayOf(validTo)}`, ['Renew it.', clock]);
  }
  if (new Date(validFrom) > now) {
    throw new CheckFailure(`the ${what} begins on ${dayOf(validFrom)} only`, [clock]);
  }
  const days = Math.floor((new Date(validTo).getTime() - now.getTime()) / DAY_MS);
  return days < SOON_DAYS ? [`The ${what} ends in ${days} days: renew it.`] : [];
}
