import { createHash, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { SERVICE_SETTINGS, type ServiceSettings } from '../service-settings.js';

/** The token that whoever posts or acts must know, if one is set. */
@Injectable()
export class IngressToken {
  private readonly expected: Buffer | undefined;

  constructor(@Inject(SERVICE_SETTINGS) { ingressToken }: Pick<ServiceSettings, 'ingressToken'>) {
    this.expected = ingressToken === undefined ? undefined : digest(ingressToken);
  }

  get isRequired(): boolean {
    return this.expected !== undefined;
  }

  /** Compares in a time that tells nothing about the token: digests have one length. */
  matches(given: unknown): boolean {
    if (this.expected === undefined || typeof given !== 'string') return false;
    return timingSafeEqual(digest(given), this.expected);
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
