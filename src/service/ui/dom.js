/** The only way this page makes elements: text is always text, never markup. */

const SVG = 'http://www.w3.org/2000/svg';

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`There is no #${id}`);
  return element;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Readonly<Record<string, string>>} attributes @param {readonly (Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, children = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** @param {string} tag @param {Readonly<Record<string, string | number>>} attributes @param {readonly (Node | string)[]} children */
export function draw(tag, attributes = {}, children = []) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** Sets a text where it differs, so that nothing is read out, or selected away, for nothing. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The rows of a definition list. @param {string} id @param {readonly (readonly [string, string])[]} rows */
export function define(id, rows) {
  const list = byId(id);
  if (list.childElementCount !== rows.length) {
    list.replaceChildren(...rows.map(() => make('div', {}, [make('dt'), make('dd')])));
  }
  rows.forEach(([term, text], index) => {
    const row = /** @type {Element} */ (list.children[index]);
    say(/** @type {Element} */ (row.children[0]), term);
    say(/** @type {Element} */ (row.children[1]), text);
  });
}

/** @param {string} name one of the symbols: good, warn, bad, quiet */
export function icon(name) {
  return draw('svg', { class: 'icon', 'aria-hidden': 'true' }, [draw('use', { href: `#${name}` })]);
}
