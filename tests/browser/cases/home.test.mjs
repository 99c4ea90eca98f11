// The home page: every site, and one search over all of them.

import assert from 'node:assert/strict';
import { case_open, page_test, query_of, results_wait, world } from '../support/case.mjs';

case_open();

async function sites_of(page) {
  return (await (await page.request.get(`${world.url}api/sites`)).json()).sites;
}

page_test('every site is listed with its count and leads to its page', async (page) => {
  const sites = await sites_of(page);
  await page.goto(world.url);
  await page.locator('.site').first().waitFor();
  assert.deepEqual(await page.locator('.site-title').allTextContents(), sites.map((site) => site.title));
  assert.match(await page.locator('.site-meta').first().textContent(), new RegExp(`${sites[0].episodeCount.toLocaleString('en-GB')} episode`));
  await page.locator('.site-title').first().click();
  await page.waitForURL(new URL(sites[0].base, world.url).href);
  await page.locator('#query').waitFor();
});

page_test('one search finds what is said on every site, and a hit leads to its moment', async (page) => {
  const { query } = world.facts;
  const answer = await (await page.request.post(`${world.url}api/search`, { data: { query, limit: 25, offset: 0 } })).json();
  await page.goto(world.url);
  await page.locator('.site').first().waitFor();
  await page.locator('#query').fill(query);
  await page.keyboard.press('Enter');
  await results_wait(page);
  assert.equal(new URL(page.url()).search, `?q=${query_of(query).replaceAll('%20', '+')}`);
  assert.deepEqual(await page.locator('.hit .hit-source').allTextContents(), answer.hits.map((hit) => hit.siteTitle));
  const [hit] = answer.hits;
  await page.locator('.hit-text').first().click();
  await page.waitForURL((url) => url.pathname === `${hit.siteBase}episode/${hit.sequentialEpisodeIdAsString}` && url.searchParams.get('start') === String(hit.startTimeMs));
  await page.locator('.passage.is-target').waitFor();
  assert.equal(await page.locator('#sheet-title').textContent(), hit.episodeTitle);
});

page_test('the search can be kept to some sites', { needs: 'shows' }, async (page) => {
  const { site, query } = world.facts.shows;
  const sites = await sites_of(page);
  const chosen = sites.find((one) => one.id === site);
  await page.goto(`${world.url}?q=${query_of(query)}`);
  await results_wait(page);
  await page.locator('.chip-site', { hasText: chosen.title }).click();
  await page.waitForURL((url) => url.searchParams.get('sites') === site);
  await page.locator('.chip-site[aria-pressed=true]').waitFor();
  assert.deepEqual([...new Set(await page.locator('.hit .hit-source').allTextContents())], [chosen.title]);
  await page.reload();
  await results_wait(page);
  assert.deepEqual([...new Set(await page.locator('.hit .hit-source').allTextContents())], [chosen.title]);
});

page_test('no sites yet is said, with the way to the first', { needs: 'mock' }, async (page) => {
  await page.route('**/api/sites', (route) => route.fulfill({ json: { sites: [] } }));
  await page.goto(world.url);
  await page.getByText('tidemill podcast add FEED_URL').waitFor();
});

page_test('a list of sites that does not load can be tried again', { needs: 'mock' }, async (page) => {
  await page.route('**/api/sites', (route) => route.fulfill({ status: 500, body: 'no JSON' }));
  await page.goto(world.url);
  await page.getByText('Loading the list of sites failed: 500').waitFor();
  await page.unroute('**/api/sites');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('.site').first().waitFor();
});
