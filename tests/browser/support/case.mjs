// What the tests are run against. Without anything set, the mock server and its world; with TIDEMILL_CASE naming a JSON
// file, a running program and the facts about its sites that the tests may rely on. A fact that a case leaves out skips
// the tests that need it. README.md lists the facts.

import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mock_start } from '../mock_server.mjs';
import { browser_start, faults_watch } from './browser.mjs';
import { MOCK_FACTS } from './facts.mjs';

let server = null;
let browser = null;

export const world = { facts: null, url: '', mock: null };

function facts_read() {
  const path = process.env.TIDEMILL_CASE;
  return path ? JSON.parse(readFileSync(path, 'utf8')) : null;
}

// Call once at the top of a test file.
export function case_open() {
  world.facts = facts_read() ?? MOCK_FACTS;
  before(async () => {
    if (!process.env.TIDEMILL_CASE) {
      server = await mock_start();
      world.mock = server.world;
    }
    world.url = server?.url ?? new URL(world.facts.url).href;
    browser = await browser_start();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });
}

export const site_url = (rest = '', site = world.facts.site) => `${world.url}sites/${site}/${rest}`;
export const query_of = (text) => encodeURIComponent(text);

// A test with a page of its own. Any breach of the policy, any exception and any foreign request fails it. `needs` names
// the fact that it relies on, or "mock" for what only the mock server can do.
export function page_test(name, options, body) {
  const call = body ?? options;
  const { needs, context = {}, allow = [] } = body ? options : {};
  const lacking = needs === 'mock' ? Boolean(process.env.TIDEMILL_CASE) : needs && !(facts_read() ?? MOCK_FACTS)[needs];
  test(name, { skip: lacking ? `this case does not say "${needs}"` : false, timeout: 120000 }, async () => {
    const own = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...context });
    const page = await own.newPage();
    page.setDefaultTimeout(15000);
    const faults = faults_watch(page, world.url);
    try {
      await call(page, own);
      const serious = faults.filter((fault) => !allow.some((pattern) => pattern.test(fault)));
      assert.deepEqual(serious, [], 'the page broke its policy, threw, or asked another server');
    } finally {
      await own.close();
    }
  });
}

// Waits until the results of `query` are on the page and settled.
export async function results_wait(page) {
  await page.locator('#found:not([aria-busy]) .found-head').waitFor();
}

export const hit_texts = (page) => page.locator('.hit-text').allTextContents();

export async function search_direct(page, body, site = world.facts.site) {
  const response = await page.request.post(site_url('api/search', site), { data: body });
  assert.equal(response.status(), 200);
  return response.json();
}
