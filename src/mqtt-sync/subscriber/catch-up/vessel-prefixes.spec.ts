import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../resolve-options.js';
import { VesselPrefixes } from './vessel-prefixes.js';

describe('the prefix under which a vessel is asked', () => {
  it('is never one that an id has made up', () => {
    const prefixes = new VesselPrefixes(resolveOptions({ inboundPrefix: 'vessel/+/up', topicPrefix: 'shore/down' }));
    for (const vesselId of ['a/b', '+', '#']) expect(prefixes.of(vesselId, 'shore')).toBe('shore/down');
    expect(prefixes.of('mv-aurora', 'shore')).toBe('vessel/mv-aurora/up');
  });
});
