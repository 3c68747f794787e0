/** The pictures, as SVG of exactly the width there is. */
import { draw } from './dom.js';
import { axisTime, number } from './format.js';

/** @typedef {import('./flow.js').Span} Span */
/** @typedef {{ from: number, to: number, kind: string }} Bar a time without connection */
/** @typedef {{ host: HTMLElement, said: string, from: number, to: number, bars: Bar[] }} Frame */

const HEIGHT = 110;
const STRIP = 26;
const AXIS = 20;
const HEAD = 16;

/** @param {Frame} frame @param {number} height */
function canvas({ host, said }, height) {
  const width = Math.max(200, host.clientWidth);
  const svg = draw('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': said });
  host.replaceChildren(svg);
  return { svg, width };
}

/** @param {Frame} frame @param {number} width */
function scale({ from, to }, width) {
  return (/** @type {number} */ at) =>
    Math.round(Math.min(1, Math.max(0, (at - from) / (to - from))) * width * 10) / 10;
}

/** A round number, at least 4. @param {number} value */
function roof(value) {
  const ten = 10 ** Math.floor(Math.log10(Math.max(4, value)));
  return [1, 2, 4, 6, 8, 10].map((step) => step * ten).find((step) => step >= value && step >= 4) ?? 10 * ten;
}

/** @param {Element} svg @param {Frame} frame @param {number} width @param {number} top @param {number} height */
function drawBars(svg, frame, width, top, height) {
  const x = scale(frame, width);
  for (const { from, to, kind } of frame.bars) {
    if (to < frame.from) continue;
    // However short, an outage is seen.
    const wide = Math.max(3, x(to) - x(from));
    svg.append(draw('rect', { class: kind, x: Math.min(x(from), width - wide), y: top, width: wide, height }));
  }
}

/** @param {Element} svg @param {Frame} frame @param {number} width @param {number} y */
function axis(svg, { from, to }, width, y) {
  const labels = width < 420 ? 2 : 4;
  for (let at = 0; at <= labels; at++) {
    const x = (width * at) / labels;
    const anchor = at === 0 ? 'start' : at === labels ? 'end' : 'middle';
    const text = at === labels ? 'now' : axisTime(from + ((to - from) * at) / labels, to - from);
    svg.append(draw('text', { class: 'axis', x, y, 'text-anchor': anchor }, [text]));
    if (at > 0 && at < labels) svg.append(draw('line', { class: 'grid', x1: x, x2: x, y1: HEAD, y2: y - 13 }));
  }
}

/** @param {Frame & { knownSince: number }} frame */
export function drawConnection(frame) {
  const { svg, width } = canvas(frame, STRIP + AXIS);
  const x = scale(frame, width);
  const known = x(frame.knownSince);
  svg.append(draw('rect', { class: 'unknown', x: 0, y: 0, width, height: STRIP, rx: 4 }));
  svg.append(draw('rect', { class: 'up', x: known, y: 0, width: width - known, height: STRIP, rx: 4 }));
  drawBars(svg, frame, width, 0, STRIP);
  axis(svg, frame, width, STRIP + AXIS - 5);
}

/** @param {Frame & { spans: Span[] }} frame */
export function drawWaiting(frame) {
  const most = roof(Math.max(...frame.spans.map(({ waiting }) => waiting), 0));
  const { svg, x, y, bottom } = chart(frame, most, number(most));
  const steps = frame.spans.map(({ from, to, waiting }) => `L${x(from)} ${y(waiting)}H${x(to)}`).join('');
  const [first] = frame.spans;
  const last = frame.spans.at(-1);
  if (!first || !last) return;
  svg.append(draw('path', { class: 'area', d: `M${x(first.from)} ${bottom}${steps}L${x(last.to)} ${bottom}Z` }));
  svg.append(draw('path', { class: 'edge', d: `M${x(first.from)} ${y(first.waiting)}${steps}` }));
}

/** @param {Frame & { spans: Span[], stepMs: number, unitMs: number }} frame */
export function drawFlow(frame) {
  const rates = frame.spans
    // A bucket that has just begun says little.
    .filter(({ from, to }) => to - from >= frame.stepMs / 2)
    .map((span) => ({ ...span, per: frame.unitMs / (span.to - span.from) }));
  const most = roof(Math.max(...rates.map(({ accepted, delivered, per }) => Math.max(accepted, delivered) * per), 0));
  const { svg, x, y, bottom } = chart(frame, most, number(most));
  for (const { from, to, delivered, per } of rates) {
    if (delivered === 0) continue;
    const top = Math.min(y(delivered * per), bottom - 1);
    svg.append(
      draw('rect', {
        class: 'bar-fill',
        x: x(from),
        y: top,
        width: Math.max(1, x(to) - x(from) - 0.6),
        height: bottom - top,
      }),
    );
  }
  const line = rates.map(
    ({ from, to, accepted, per }, at) => `${at ? 'L' : 'M'}${x(from)} ${y(accepted * per)}H${x(to)}`,
  );
  if (line.length > 0) svg.append(draw('path', { class: 'line', d: line.join('') }));
}

/** @param {Frame} frame @param {number} most @param {string} label */
function chart(frame, most, label) {
  const { svg, width } = canvas(frame, HEIGHT + AXIS);
  const bottom = HEIGHT;
  const y = (/** @type {number} */ value) => Math.round((bottom - (value / most) * (bottom - HEAD)) * 10) / 10;
  const shade = draw('g', { class: 'shade' });
  drawBars(shade, frame, width, HEAD, bottom - HEAD);
  svg.append(shade);
  for (const value of [0, most / 2, most]) {
    svg.append(draw('line', { class: value === 0 ? 'ground' : 'grid', x1: 0, x2: width, y1: y(value), y2: y(value) }));
  }
  svg.append(draw('text', { class: 'axis', x: 0, y: HEAD - 5 }, [label]));
  axis(svg, frame, width, HEIGHT + AXIS - 5);
  return { svg, x: scale(frame, width), y, bottom };
}
