import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { findProgram } from './find-program.js';
import { describeWith } from './programs.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** The browser calls nobody but the service under test. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The browser's program, or undefined where it is not installed. `CHROMIUM_BIN` overrides the search. */
export function findChromium(): string | undefined {
  return NAMES.map((name) => findProgram(name, 'CHROMIUM_BIN')).find((path) => path !== undefined);
}

/** Opens an address in a context of its own, which ends with the test; there, whatever the page did wrong fails it. */
export type OpenPage = (url: string, options?: BrowserContextOptions) => Promise<Page>;

/** A `describe` for tests that need Chromium, and share one; see `describeWith`. */
export function describeWithChromium(name: string, define: (open: OpenPage) => void): void {
  describeWith({ chromium: findChromium() }, name, () => {
    let browser: Browser | undefined;
    beforeAll(async () => {
      browser = await launchChromium();
    });
    afterAll(() => browser?.close());
    define((url, options) => openPage(browser!, url, options));
  });
}

/** A headless Chromium with a profile of its own, which Playwright removes. */
function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('chromium is not installed; install it or set CHROMIUM_BIN');
  return chromium.launch({ executablePath, args: FLAGS });
}

/** What a page did that none should. */
export interface PageFaults {
  /** Errors of scripts, and what the Content-Security-Policy refused. */
  readonly errors: string[];
  /** Requests to anybody else. */
  readonly foreign: string[];
}

async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ reducedMotion: 'reduce', timezoneId: 'UTC', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults: PageFaults = { errors: [], foreign: [] };
  const { origin } = new URL(url);
  page.on('pageerror', (error) => faults.errors.push(error.stack ?? error.message));
  page.on('console', (message) => {
    // A stream that breaks and a call without the token are part of the tests, and the browser notes both.
    if (message.type() !== 'error' || /Failed to load resource|net::ERR/.test(message.text())) return;
    faults.errors.push(message.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) faults.foreign.push(request.url());
  });
  onTestFinished(async () => {
    await context.close();
    expect(faults).toEqual({ errors: [], foreign: [] });
  });
  await page.goto(url);
  return page;
}
