import { describe, expect, it } from 'vitest';
import { FrameCheck } from './frame-check.js';

describe('the check of frames', () => {
  it('lets frames pass in whatever pieces they come', () => {
    const frames = '2#{}11#{"a":"12#"}1#7';
    for (let size = 1; size <= frames.length; size++) {
      const check = new FrameCheck();
      for (let at = 0; at < frames.length; at += size) check.look(frames.slice(at, at + size));
    }
  });

  it.each(['P', '#', '1x', ' 1', '-1', '12345678901', '2#{} 2#{}', '2#{}\n'])('refuses "%s" at once', (text) => {
    expect(() => new FrameCheck().look(text)).toThrow('no message');
  });
});
