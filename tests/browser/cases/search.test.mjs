// Searching on a site's page: the address, paging, order, filters, spelling, errors, keys.

import assert from 'node:assert/strict';
import { case_open, hit_texts, page_test, query_of, results_wait, search_direct, site_url, world } from '../support/case.mjs';

case_open();

page_test('the address restores the query, the order and the page', { needs: 'common' }, async (page) => {
  const { common } = world.facts;
  const expected = await search_direct(page, {
    query: common,
    limit: 25,
    offset: 25,
    sortBy: 'episodePublishedUnixTimestamp',
    sortOrder: 'DESC',
  });
  await page.goto(site_url(`?q=${query_of(common)}&sort=newest&page=2`));
  await results_wait(page);
  assert.equal(await page.locator('#query').inputValue(), common);
  assert.equal(await page.locator('#sort').inputValue(), 'newest');
  assert.equal(await page.locator('.pager [aria-current=page]').textContent(), '2');
  assert.deepEqual(await hit_texts(page), expected.hits.map((hit) => hit.text));
  const last = Math.min(50, expected.totalHits);
  const total = expected.totalHits.toLocaleString('en-GB');
  assert.equal(await page.locator('.found-count span').first().textContent(), `Showing 26-${last} of ${total} hits`);
});

page_test('words are marked where the server says, and nowhere else', async (page) => {
  const { query } = world.facts;
  const { hits } = await search_direct(page, { query, limit: 25, offset: 0 });
  assert.ok(hits.length > 0);
  await page.goto(site_url(`?q=${query_of(query)}`));
  await results_wait(page);
  const shown = await page
    .locator('.hit-text')
    .evaluateAll((links) => links.map((link) => [...link.querySelectorAll('mark')].map((mark) => mark.textContent)));
  assert.deepEqual(
    shown,
    hits.map((hit) => hit.marks.map(([start, end]) => hit.text.slice(start, end))),
  );
});

page_test('it searches on Enter, for two characters or more, and not twice for the same', async (page) => {
  const { query } = world.facts;
  const asked = [];
  page.on('request', (request) => request.url().endsWith('api/search') && asked.push(request.postDataJSON().query));
  await page.goto(site_url());
  await page.locator('.episode').first().waitFor();
  await page.locator('#query').fill('x');
  await page.keyboard.press('Enter');
  assert.match(await page.locator('.search-hint').textContent(), /two characters/);
  await page.locator('#query').fill(`  ${query} `);
  assert.deepEqual(asked, []);
  await page.keyboard.press('Enter');
  await results_wait(page);
  await page.locator('#query').press('Enter');
  await page.getByRole('button', { name: 'Search' }).click();
  assert.deepEqual(asked, [query]);
  assert.equal(new URL(page.url()).searchParams.get('q'), query);
  assert.ok((await page.title()).includes(query));
});

page_test('paging and order lead on, and the back button leads back', { needs: 'common' }, async (page) => {
  await page.goto(site_url(`?q=${query_of(world.facts.common)}`));
  await results_wait(page);
  const first = await hit_texts(page);
  assert.equal(first.length, 25);
  await page.getByRole('link', { name: 'Page 2', exact: true }).click();
  await page.waitForURL(/page=2/);
  await results_wait(page);
  await page.locator('#sort').selectOption('oldest');
  await page.waitForURL(/sort=oldest/);
  assert.ok(!page.url().includes('page='), 'a new order begins at page 1');
  await results_wait(page);
  const dates = await page.locator('.hit time').evaluateAll((times) => times.map((time) => time.dateTime));
  assert.deepEqual(dates, [...dates].sort());
  await page.goBack();
  await page.locator('.pager [aria-current=page]', { hasText: '2' }).waitFor();
  await page.goBack();
  await page.locator('.pager [aria-current=page]', { hasText: /^1$/ }).waitFor();
  await results_wait(page);
  assert.deepEqual(await hit_texts(page), first);
  await page.goForward();
  await page.locator('.pager [aria-current=page]', { hasText: '2' }).waitFor();
});

page_test('a page past the end says so and leads to page 1', async (page) => {
  await page.goto(site_url(`?q=${query_of(world.facts.query)}&page=900`));
  await page.getByText('Nothing on page 900').waitFor();
  await page.getByRole('button', { name: 'Go to page 1' }).click();
  await page.locator('.hit').first().waitFor();
});

page_test('dates and episodes are chosen in the drawer and kept in the address', { needs: 'dates' }, async (page) => {
  const { common, dates } = world.facts;
  await page.goto(site_url(`?q=${query_of(common)}&page=2`));
  await results_wait(page);
  await page.locator('#filters-open').click();
  await page.locator('#filter-from').fill(dates.from);
  await page.locator('#filter-to').fill(dates.to);
  await page.getByRole('button', { name: 'Show results' }).click();
  await page.waitForURL((url) => url.searchParams.get('from') === dates.from && url.searchParams.get('to') === dates.to);
  assert.ok(!page.url().includes('page='), 'another filter begins at page 1');
  await page.locator('.chips .chip').first().waitFor();
  await results_wait(page);
  const shown = await page.locator('.hit time').evaluateAll((times) => times.map((time) => time.dateTime));
  assert.ok(shown.length > 0);
  assert.ok(shown.every((date) => date >= dates.from && date <= dates.to));

  const id = await page.locator('.hit').first().evaluate((hit) => /episode\/(\d+)/.exec(hit.querySelector('a').href)[1]);
  await page.locator('#filters-open').click();
  await page.getByPlaceholder('Find an episode').fill(id);
  await page.locator(`.check-list input[value="${id}"]`).check();
  await page.getByRole('button', { name: 'Show results' }).click();
  await page.waitForURL((url) => url.searchParams.get('episodes') === id);
  await page.reload();
  await results_wait(page);
  const ids = await page.locator('.hit-text').evaluateAll((links) => links.map((link) => /episode\/(\d+)/.exec(link.href)[1]));
  assert.deepEqual([...new Set(ids)], [id]);
  assert.equal(await page.locator('#filters-open .badge').textContent(), '2');
  await page.getByRole('button', { name: 'Clear all' }).click();
  await page.waitForURL((url) => !url.search.includes('from') && !url.search.includes('episodes'));
});

page_test('the presets count back from today', async (page) => {
  await page.clock.setFixedTime(new Date('2026-03-31T12:00:00Z'));
  await page.goto(site_url(`?q=${query_of(world.facts.query)}`));
  await results_wait(page);
  await page.locator('#filters-open').click();
  await page.getByRole('button', { name: 'Last 30 days' }).click();
  assert.equal(await page.locator('#filter-from').inputValue(), '2026-03-01');
  assert.equal(await page.getByRole('button', { name: 'Last 30 days' }).getAttribute('aria-pressed'), 'true');
  await page.getByRole('button', { name: 'Last year' }).click();
  assert.equal(await page.locator('#filter-from').inputValue(), '2025-03-31');
  await page.getByRole('button', { name: 'Any time' }).click();
  assert.equal(await page.locator('#filter-from').inputValue(), '');
});

page_test('podcasts are named on the results and can be filtered', { needs: 'shows' }, async (page) => {
  const { site, query, podcast, title, other } = world.facts.shows;
  await page.goto(site_url(`?q=${query_of(query)}`, site));
  await results_wait(page);
  const before = new Set(await page.locator('.hit .hit-source').allTextContents());
  assert.deepEqual([...before].sort(), [title, other].sort());
  await page.locator('#filters-open').click();
  await page.getByLabel(title).check();
  await page.getByRole('button', { name: 'Show results' }).click();
  await page.waitForURL((url) => url.searchParams.get('podcasts') === podcast);
  await page.locator('.chips .chip', { hasText: title }).waitFor();
  assert.deepEqual([...new Set(await page.locator('.hit .hit-source').allTextContents())], [title]);
  await page.getByRole('button', { name: `Remove filter: ${title}` }).click();
  await page.waitForURL((url) => !url.searchParams.has('podcasts'));
});

page_test('a typing error leads to the words that were meant', { needs: 'misspelt' }, async (page) => {
  const { query, corrected } = world.facts.misspelt;
  await page.goto(site_url(`?q=${query_of(query)}`));
  await page.locator('.spelling').waitFor();
  assert.equal(await page.locator('.spelling').textContent(), `Nothing was found for “${query}”, so these are the results for ${corrected}.`);
  await page.locator('.spelling a').click();
  await page.waitForURL((url) => url.searchParams.get('q') === corrected);
  await results_wait(page);
  assert.equal(await page.locator('#query').inputValue(), corrected);
  assert.equal(await page.locator('.spelling').count(), 0);
});

page_test('another spelling is offered beside results', { needs: 'mock' }, async (page) => {
  const answer = await search_direct(page, { query: 'tide mill', limit: 25, offset: 0 });
  await page.route('**/api/search', (route) => route.fulfill({ json: { ...answer, didYouMean: 'tide wheel' } }));
  await page.goto(site_url('?q=tide+mill'));
  await page.getByText('Did you mean tide wheel?').waitFor();
  await page.getByRole('link', { name: 'tide wheel' }).click();
  await page.waitForURL((url) => url.searchParams.get('q') === 'tide wheel');
});

page_test('finding nothing is said in words', { needs: 'nothing' }, async (page) => {
  const { nothing } = world.facts;
  await page.goto(site_url(`?q=${query_of(nothing)}`));
  await page.getByText(`No results found for “${nothing}”`).waitFor();
  assert.equal(await page.locator('.pager').count(), 0);
});

page_test('a failed search is a sentence with a way to try again', { needs: 'mock' }, async (page) => {
  world.mock.fail_searches = 1;
  await page.goto(site_url('?q=tide'));
  const alert = page.getByRole('alert');
  await alert.waitFor();
  assert.match(await alert.textContent(), /Search request failed: 503 Service Unavailable \(the index is being replaced\)/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('.hit').first().waitFor();
});

page_test('no network is a sentence too', { needs: 'mock' }, async (page) => {
  await page.goto(site_url());
  await page.locator('.episode').first().waitFor();
  await page.route('**/api/search', (route) => route.abort());
  await page.locator('#query').fill('tide');
  await page.keyboard.press('Enter');
  await page.getByText('could not reach the server').waitFor();
  await page.unroute('**/api/search');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('.hit').first().waitFor();
});

page_test('an older answer that arrives late does not replace a newer one', { needs: 'mock' }, async (page) => {
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await page.route('**/api/search', async (route) => {
    if (route.request().postDataJSON().query === 'tide') await held;
    await route.continue().catch(() => {});
  });
  await page.goto(site_url('?q=tide'));
  await page.locator('#query').fill('herring');
  await page.keyboard.press('Enter');
  await page.locator('.hit mark', { hasText: 'herring' }).first().waitFor();
  release();
  await page.waitForLoadState('networkidle');
  assert.equal(await page.locator('.hit mark', { hasText: 'tide' }).count(), 0);
});

page_test('the whole journey works from the keyboard', async (page) => {
  const { query } = world.facts;
  const keys = page.keyboard;
  await page.goto(site_url());
  await page.locator('.episode').first().waitFor();
  await keys.press('/');
  await keys.type(query);
  await keys.press('Enter');
  await page.locator('.hit').first().waitFor();
  await results_wait(page);
  await keys.press('ArrowDown');
  const focused = () => page.evaluate(() => [...document.querySelectorAll('.hit-text')].indexOf(document.activeElement));
  assert.equal(await focused(), 0);
  if ((await page.locator('.hit').count()) > 1) {
    await keys.press('j');
    assert.equal(await focused(), 1);
    await keys.press('k');
    assert.equal(await focused(), 0);
  }
  await keys.press('Enter');
  await page.locator('#sheet .passage[aria-current]').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'sheet-title');
  for (let step = 0; step < 25; step++) {
    await keys.press('Tab');
    const inside = await page.evaluate(() => document.activeElement === document.body || Boolean(document.activeElement.closest('#sheet')));
    assert.ok(inside, 'the focus stays in the sheet');
  }
  await keys.press('Escape');
  await page.locator('#sheet').waitFor({ state: 'detached' });
  assert.equal(await focused(), 0, 'the focus returns to the result');
  assert.equal(new URL(page.url()).searchParams.get('q'), query);
  assert.ok(!page.url().includes('/episode/'));
});

page_test('Escape leaves the search line and keeps what was typed', async (page) => {
  await page.goto(site_url());
  await page.locator('.episode').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('half a thou');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#query').inputValue(), 'half a thou');
  assert.equal(await page.evaluate(() => document.activeElement === document.body), true);
});

page_test('the back button closes a drawer', async (page) => {
  await page.goto(site_url(`?q=${query_of(world.facts.query)}`));
  await results_wait(page);
  await page.locator('#sort').selectOption('newest');
  await page.waitForURL(/sort=newest/);
  await page.locator('#filters-open').click();
  await page.locator('#filters').waitFor();
  await page.goBack();
  await page.locator('#filters').waitFor({ state: 'detached' });
});

page_test('the count of results is announced', async (page) => {
  await page.goto(site_url(`?q=${query_of(world.facts.query)}`));
  await results_wait(page);
  assert.match(await page.locator('#found').getByRole('status').textContent(), /Showing 1-\d+ of [\d,]+ hits?/);
});
