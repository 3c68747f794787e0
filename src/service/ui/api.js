/** Calls that need the token: asked for when the service wants one, kept in this tab alone, never in an address. */
import { byId, say } from './dom.js';

const KEY = 'arus-mqtt-sync-token';
const BASE = 'api/mqtt/reliable-sync';

/** An answer that is no success, in words. */
export class Refusal extends Error {
  /** @param {number} status @param {string} detail */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export const hasToken = () => sessionStorage.getItem(KEY) !== null;
export const forgetToken = () => sessionStorage.removeItem(KEY);

/**
 * @param {string} path @param {'GET' | 'POST' | 'DELETE'} [method] @returns {Promise<any>}
 * @throws {Refusal} with the reason; undefined when the user gave no token.
 */
export async function call(path, method = 'GET') {
  let wasWrong = false;
  for (;;) {
    const token = sessionStorage.getItem(KEY);
    const response = await send(path, method, token);
    if (response.status !== 401) return read(response);
    // Given anew, or forgotten, while the answer was on its way: it says nothing about what is there now.
    if (sessionStorage.getItem(KEY) !== token) continue;
    wasWrong = token !== null;
    forgetToken();
    const given = await askToken(wasWrong);
    if (given === undefined) throw new Refusal(401, 'Without the token nothing was done.');
    sessionStorage.setItem(KEY, given);
  }
}

/** @param {string} path @param {string} method @param {string | null} token */
async function send(path, method, token) {
  const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
  try {
    return await fetch(`${BASE}/${path}`, {
      method,
      headers,
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'error',
    });
  } catch {
    throw new Refusal(0, 'The service could not be reached. Nothing is known of what became of it: look again.');
  }
}

/** @param {Response} response @throws {Refusal} */
export async function read(response) {
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  const body = isJson ? await response.json() : undefined;
  if (response.ok) return body;
  throw new Refusal(response.status, body?.detail ?? `The service answered ${response.status}.`);
}

/** @type {Promise<string | undefined> | undefined} */
let asking;

/** One question for all who need its answer. @param {boolean} wasWrong */
function askToken(wasWrong) {
  asking ??= openTokenDialog(wasWrong).finally(() => (asking = undefined));
  return asking;
}

/** @param {boolean} wasWrong @returns {Promise<string | undefined>} */
function openTokenDialog(wasWrong) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('ask-token'));
  const input = /** @type {HTMLInputElement} */ (byId('token'));
  const form = /** @type {HTMLFormElement} */ (byId('token-form'));
  input.value = '';
  const complain = (/** @type {string} */ text) => {
    say(byId('token-wrong'), text);
    if (text) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  };
  complain(wasWrong ? 'That token is not the right one.' : '');
  return new Promise((resolve) => {
    /** @type {string | undefined} */
    let given;
    form.onsubmit = (event) => {
      event.preventDefault();
      const text = input.value.trim();
      // What does not fit into a header is no token (RFC 6750, section 2.1).
      if (!/^[\w\-.~+/]+=*$/.test(text)) return complain('A token has letters, digits and any of -._~+/ only.');
      given = text;
      dialog.close();
    };
    byId('token-cancel').onclick = () => dialog.close();
    dialog.onclose = () => {
      input.value = '';
      resolve(given);
    };
    dialog.showModal();
  });
}
