// An episode over the search page: the player starts at the second, the transcript follows, links lead to the moment,
// and nothing that a feed or a transcript says becomes markup.

import assert from 'node:assert/strict';
import { case_open, page_test, query_of, results_wait, search_direct, site_url, world } from '../support/case.mjs';

case_open();

const audio_time = (page) => page.locator('#sheet audio').evaluate((audio) => audio.currentTime);
const audio_ready = (page) => page.waitForFunction(() => document.querySelector('#sheet audio').readyState >= 1);
const current_index = (page) => page.locator('.passage[aria-current]').getAttribute('data-index').then(Number);

// Waits until the recording stands within half a second of `ms`.
async function audio_at(page, ms) {
  await page.waitForFunction((wanted) => {
    const audio = document.querySelector('#sheet audio');
    return audio.readyState >= 1 && !audio.seeking && Math.abs(audio.currentTime * 1000 - wanted) < 500;
  }, ms);
}

async function hit_open(page, index = 0) {
  await page.goto(site_url(`?q=${query_of(world.facts.query)}`));
  await results_wait(page);
  await page.locator('.hit-text').nth(index).click();
  await page.locator('.passage[aria-current]').waitFor();
}

async function transcript_of(page, id) {
  const manifest = await (await page.request.get(site_url('episode-manifest/full-episode-manifest.json'))).json();
  const row = manifest.episodes.find((episode) => episode.sequentialId === id);
  const path = `${encodeURIComponent(row.podcastId)}/${encodeURIComponent(row.fileKey)}.json`;
  const entries = await (await page.request.get(site_url(`search-entries/${path}`))).json();
  return { row, entries };
}

// True where the current passage can be seen inside the transcript's box.
const current_in_view = (page) =>
  page.waitForFunction(() => {
    const row = document.querySelector('.passage[aria-current]').getBoundingClientRect();
    const box = document.querySelector('#transcript').getBoundingClientRect();
    return row.top >= box.top - 1 && row.top < box.bottom - 20;
  });

page_test('a result opens its episode at its second', async (page) => {
  const { hits } = await search_direct(page, { query: world.facts.query, limit: 25, offset: 0 });
  await hit_open(page);
  const url = new URL(page.url());
  assert.ok(url.pathname.endsWith(`/episode/${hits[0].sequentialEpisodeIdAsString}`));
  assert.equal(url.searchParams.get('start'), String(hits[0].startTimeMs));
  assert.equal(await page.locator('#sheet-title').textContent(), hits[0].episodeTitle);
  await audio_at(page, hits[0].startTimeMs);
  assert.equal(await page.locator('#sheet audio').evaluate((audio) => audio.paused), true, 'nothing plays unasked');
  await current_in_view(page);
  assert.equal(await page.locator('.passage.is-target').getAttribute('data-index'), await page.locator('.passage[aria-current]').getAttribute('data-index'));
  assert.ok((await page.title()).includes(hits[0].episodeTitle));
});

page_test('pressing the time plays from there', async (page) => {
  const { hits } = await search_direct(page, { query: world.facts.query, limit: 25, offset: 0 });
  await page.goto(site_url(`?q=${query_of(world.facts.query)}`));
  await results_wait(page);
  await page.locator('.hit-time').first().click();
  await page.waitForFunction((start) => {
    const audio = document.querySelector('#sheet audio');
    return audio && !audio.paused && audio.currentTime > start;
  }, hits[0].startTimeMs / 1000);
  const time = await audio_time(page);
  assert.ok(time < hits[0].startTimeMs / 1000 + 20, `it began at the second, and is at ${time}`);
  assert.equal(await page.locator('#play').getAttribute('aria-label'), 'Pause');
});

page_test('an address with a moment restores the episode, paused there', async (page) => {
  const { hits } = await search_direct(page, { query: world.facts.query, limit: 25, offset: 0 });
  const [hit] = hits;
  await page.goto(site_url(`episode/${hit.sequentialEpisodeIdAsString}?q=${query_of(world.facts.query)}&start=${hit.startTimeMs}`));
  await page.locator('.passage.is-target').waitFor();
  await audio_at(page, hit.startTimeMs);
  await page.locator('.hit').first().waitFor({ state: 'attached' });
  await page.getByRole('button', { name: 'Close episode' }).click();
  await page.locator('#sheet').waitFor({ state: 'detached' });
  assert.equal(page.url(), site_url(`?q=${query_of(world.facts.query)}`).replaceAll('%20', '+'));
  await page.goBack();
  await page.locator('#sheet').waitFor();
});

page_test('back closes an episode that was opened from the results, forward opens it again', async (page) => {
  await hit_open(page);
  await page.goBack();
  await page.locator('#sheet').waitFor({ state: 'detached' });
  await page.goForward();
  await page.locator('#sheet .passage.is-target').waitFor();
});

page_test('keys play, pause and step', async (page) => {
  const { hits } = await search_direct(page, { query: world.facts.query, limit: 25, offset: 0 });
  const start = hits[0].startTimeMs;
  await hit_open(page);
  await audio_at(page, start);
  const length = await page.locator('#sheet audio').evaluate((audio) => audio.duration * 1000);
  const on = Math.min(length, start + 15000);
  await page.keyboard.press('ArrowRight');
  await audio_at(page, on);
  await page.keyboard.press('ArrowLeft');
  await audio_at(page, Math.max(0, on - 15000));
  await page.keyboard.press('Space');
  await page.waitForFunction(() => !document.querySelector('#sheet audio').paused);
  await page.keyboard.press('k');
  await page.waitForFunction(() => document.querySelector('#sheet audio').paused);
});

page_test('"p" on a result opens it and plays', async (page) => {
  await page.goto(site_url(`?q=${query_of(world.facts.query)}`));
  await results_wait(page);
  await page.keyboard.press('j');
  await page.keyboard.press('p');
  await page.waitForFunction(() => document.querySelector('#sheet audio')?.paused === false);
});

page_test('the speed is kept for the next episode', async (page) => {
  await hit_open(page);
  await page.locator('#speed').selectOption('1.5');
  await page.reload();
  await page.locator('#sheet .passage').first().waitFor();
  await audio_ready(page);
  assert.equal(await page.locator('#sheet audio').evaluate((audio) => audio.playbackRate), 1.5);
});

page_test('the transcript follows, until the reader scrolls away', { needs: 'spoken' }, async (page) => {
  const { entries } = await transcript_of(page, world.facts.spoken.episode);
  await page.goto(site_url(`episode/${world.facts.spoken.episode}`));
  await page.locator('.passage').first().waitFor();
  await audio_ready(page);
  const target = Math.min(3, entries.length - 1);
  await page.locator('.passage-text').nth(target).click();
  await audio_at(page, entries[target].startTimeMs);
  assert.equal(await current_index(page), target);
  assert.equal(new URL(page.url()).searchParams.get('start'), String(entries[target].startTimeMs));

  await page.locator('#sheet audio').evaluate((audio) => (audio.playbackRate = 4));
  await page.locator('#play').click();
  await page.waitForFunction((before) => Number(document.querySelector('.passage[aria-current]')?.dataset.index) > before, target);
  const [now, index] = await page.evaluate(() => [
    document.querySelector('#sheet audio').currentTime * 1000,
    Number(document.querySelector('.passage[aria-current]').dataset.index),
  ]);
  assert.ok(entries[index].startTimeMs <= now + 50, 'the passage marked has begun');
  await current_in_view(page);
  await page.locator('#transcript').hover();
  await page.mouse.wheel(0, -400);
  await page.locator('#follow').click();
  await page.locator('#follow').waitFor({ state: 'hidden' });
  await current_in_view(page);
});

page_test('the spoken word is painted where word times are there', { needs: 'spoken' }, async (page) => {
  const { row, entries } = await transcript_of(page, world.facts.spoken.episode);
  const words_path = `${encodeURIComponent(row.podcastId)}/${encodeURIComponent(row.fileKey)}.words.json`;
  const words = await (await page.request.get(site_url(`transcripts/${words_path}`))).json();
  const passage = Math.min(2, entries.length - 1);
  const inside = words.filter((word) => word.s >= entries[passage].startTimeMs && word.s < entries[passage].endTimeMs);
  const word = inside[Math.min(4, inside.length - 1)];
  await page.goto(site_url(`episode/${row.sequentialId}?start=${entries[passage].startTimeMs}`));
  await page.locator('.passage.is-target').waitFor();
  await audio_ready(page);
  await page.waitForFunction(() => CSS.highlights.has('spoken'));
  await page.locator('#sheet audio').evaluate((audio, seconds) => (audio.currentTime = seconds), (word.s + word.e) / 2000);
  await page.waitForFunction((wanted) => [...(CSS.highlights.get('spoken') ?? [])].map(String).join() === wanted, word.w.trim());
});

page_test('the word is painted although nothing moves when its times arrive late', { needs: 'mock' }, async (page) => {
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await page.route('**/*.words.json', async (route) => {
    await held;
    await route.continue();
  });
  const { entries } = await transcript_of(page, world.facts.spoken.episode);
  await page.goto(site_url(`episode/${world.facts.spoken.episode}?q=tide&start=${entries[2].startTimeMs}`));
  await page.locator('.passage.is-target').waitFor();
  await audio_at(page, entries[2].startTimeMs);
  release();
  await page.locator('.mentions-count').waitFor();
  const first = entries[2].text.split(' ')[0];
  await page.waitForFunction((word) => [...(CSS.highlights.get('spoken') ?? [])].map(String).join() === word, first);
});

page_test('every mention in an episode can be gone through', async (page) => {
  const { query } = world.facts;
  const { hits } = await search_direct(page, { query, limit: 100, offset: 0 });
  const counts = new Map();
  const long = String(world.facts.long?.episode);
  for (const hit of hits) if (hit.sequentialEpisodeIdAsString !== long) counts.set(hit.sequentialEpisodeIdAsString, (counts.get(hit.sequentialEpisodeIdAsString) ?? 0) + 1);
  const [id, count] = [...counts].sort((a, b) => b[1] - a[1])[0];
  const own = hits.filter((hit) => hit.sequentialEpisodeIdAsString === id).map((hit) => hit.startTimeMs);
  await page.goto(site_url(`episode/${id}?q=${query_of(query)}`));
  await page.locator('.mentions-count').waitFor();
  assert.match(await page.locator('.mentions-count').textContent(), new RegExp(`${count} mention`));
  assert.equal(await page.locator('.player-tick').count(), count);
  assert.ok((await page.locator('.passage mark').count()) >= count);
  await page.getByRole('button', { name: 'Next mention' }).click();
  await audio_at(page, Math.min(...own));
  assert.equal(new URL(page.url()).searchParams.get('start'), String(Math.min(...own)));
  await page.keyboard.press('N');
  await audio_at(page, Math.max(...own));
});

page_test('the share link leads another reader to the same moment', { context: { permissions: ['clipboard-read', 'clipboard-write'] } }, async (page, context) => {
  await hit_open(page);
  const target = await page.locator('.passage.is-target').getAttribute('data-index');
  const start = new URL(page.url()).searchParams.get('start');
  await audio_at(page, Number(start));
  await page.getByRole('button', { name: 'Share', exact: true }).click();
  await page.locator('#share-copy').click();
  await page.getByText('Link copied.').waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(new URL(link).searchParams.get('start'), start);
  await page.locator('#share-at').uncheck();
  assert.ok(!(await page.locator('#share-link').inputValue()).includes('start='));

  const other = await context.newPage();
  await other.goto(link);
  assert.equal(await other.locator('.passage.is-target').getAttribute('data-index'), target);
  await audio_at(other, Number(start));
});

page_test('the transcript can be downloaded three ways', async (page) => {
  await hit_open(page);
  await page.getByRole('button', { name: 'Download' }).click();
  const links = page.locator('.panel-links a');
  assert.deepEqual(await links.allTextContents(), ['SRT', 'VTT', 'Text']);
  for (const link of await links.all()) {
    const answer = await page.request.get(await link.evaluate((anchor) => anchor.href));
    assert.equal(answer.status(), 200);
    assert.ok((await answer.text()).length > 20);
  }
});

page_test('the feed’s own recording can be chosen', { needs: 'mock', allow: [/media\.example\.org/] }, async (page) => {
  await page.route('https://media.example.org/**', (route) => route.abort());
  await hit_open(page);
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByLabel('The podcast’s own feed').check();
  assert.equal(await page.evaluate(() => localStorage.getItem('audioSource')), 'rssFeedURL');
  assert.match(await page.locator('#sheet audio').evaluate((audio) => audio.src), /^https:\/\/media\.example\.org\//);
  await page.getByText('The recording could not be loaded.').waitFor();
  await page.getByRole('button', { name: 'Play the transcribed file' }).click();
  await page.waitForFunction(() => !document.querySelector('#sheet audio').paused);
  assert.equal(await page.evaluate(() => localStorage.getItem('audioSource')), 'transcribedFile');
});

page_test('a transcript that does not load can be tried again', { needs: 'mock' }, async (page) => {
  await page.route('**/search-entries/**', (route) => route.fulfill({ status: 500, json: { error: { code: 'Internal', message: 'the disk is full' } } }));
  await page.goto(site_url('episode/3'));
  await page.getByText('Loading the transcript failed: 500 Internal Server Error (the disk is full)').waitFor();
  await page.unroute('**/search-entries/**');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('.passage').first().waitFor();
});

page_test('an episode without a transcript can still be heard', { needs: 'mock' }, async (page) => {
  await page.route('**/search-entries/**', (route) => route.fulfill({ status: 404, json: { error: { code: 'NotFound', message: '' } } }));
  await page.goto(site_url('episode/3'));
  await page.getByText('This episode has no transcript yet.').waitFor();
  await page.locator('#play').click();
  await page.waitForFunction(() => document.querySelector('#sheet audio').currentTime > 0);
});

page_test('an episode that is not there is said so', async (page) => {
  await page.goto(site_url('episode/99999'));
  await page.getByText('There is no episode 99999 on this site.').waitFor();
});

page_test('a transcript, title or summary never becomes markup', { needs: 'hostile' }, async (page) => {
  const { query, episode, title } = world.facts.hostile;
  await page.goto(site_url(`?q=${query_of(query)}`));
  await results_wait(page);
  const hit = page.locator('.hit').first();
  assert.match(await hit.locator('.hit-text').textContent(), /<img src=x onerror=/);
  assert.equal(await hit.locator('.hit-title').textContent(), title);
  await page.goto(site_url(`episode/${episode}?q=${query_of(query)}`));
  await page.locator('.mentions-count').waitFor();
  assert.equal(await page.locator('#sheet-title').textContent(), title);
  await page.getByRole('button', { name: 'Summary' }).click();
  const summary = await page.locator('.panel-text').textContent();
  assert.ok(!/[<>]/.test(summary) && summary.length > 5, 'the summary is its text, without its tags');
  await page.keyboard.press('Escape');
  await page.locator('#filters-open').click();
  await page.goto(site_url());
  await page.locator('.episode').first().waitFor();
  assert.equal(await page.locator('img, script:not([src], [type="application/ld+json"]), [onerror], [onclick]').count(), 0);
  assert.equal(await page.evaluate(() => window.injected), undefined);
});

page_test('a summary is read as text, whatever its markup', async (page) => {
  await page.goto(site_url());
  await page.locator('.episode').first().waitFor();
  const path = await page.locator('script[type=module]').evaluate((script) => new URL('text.js', script.src).href);
  const read = (html) =>
    page.evaluate(async ([from, source]) => (await import(from)).text_from_html(source), [path, html]);
  assert.equal(await read('One &amp; two &lt;b&gt;'), 'One & two <b>');
  assert.equal(await read('<p>One</p><p class="a>b">Two<br/>Three</p>'), 'One\n\nTwo\nThree');
  assert.equal(await read('a<script>x("<p>")</script>b<style>p{}</style>c<!-- d > -->e'), 'abce');
  assert.equal(await read('5 < 6 and <3 <'), '5 < 6 and <3 <');
  assert.equal(await read('cut <a href="never closed'), 'cut');
  assert.equal(await read('<a title="open>text</a> more'), 'text more');
  assert.equal(await read('&lt;img src=x onerror=window.injected=1&gt;'), '<img src=x onerror=window.injected=1>');
  assert.equal((await read('<'.repeat(200000))).length, 200000);
  assert.equal((await read('<a "'.repeat(100000))).length, 0);
  assert.equal(await page.evaluate(() => window.injected), undefined);
});

page_test('a title in the address’s query is text as well', async (page) => {
  const words = '<img src=x onerror=window.injected=1>';
  await page.goto(site_url(`?q=${query_of(words)}`));
  await results_wait(page);
  assert.equal(await page.locator('#query').inputValue(), words);
  assert.equal(await page.locator('img').count(), 0);
  assert.equal(await page.evaluate(() => window.injected), undefined);
});

page_test('a five hour transcript opens at its moment', { needs: 'long' }, async (page) => {
  const { episode, start } = world.facts.long;
  const { entries } = await transcript_of(page, episode);
  await page.goto(site_url(`episode/${episode}?start=${start}`));
  await page.locator('.passage.is-target').waitFor();
  assert.equal(await page.locator('.passage').count(), entries.length);
  await page.waitForFunction(() => {
    const row = document.querySelector('.passage.is-target').getBoundingClientRect();
    const box = document.querySelector('#transcript').getBoundingClientRect();
    return row.top > box.top && row.bottom < box.bottom;
  });
  const index = Number(await page.locator('.passage.is-target').getAttribute('data-index'));
  assert.ok(entries[index].startTimeMs <= start + 500 && entries[index].endTimeMs > start - 1000);
  const skipped = await page
    .locator('.passage')
    .first()
    .evaluate((row) => getComputedStyle(row).contentVisibility === 'auto' && !row.firstElementChild.checkVisibility({ contentVisibilityAuto: true }));
  assert.ok(skipped, 'passages far away are not laid out');
});

page_test('arrows walk the passages of a transcript', async (page) => {
  await hit_open(page);
  const before = await current_index(page);
  await page.locator('.passage[aria-current] .passage-time').focus();
  await page.keyboard.press(before > 0 ? 'ArrowUp' : 'ArrowDown');
  const wanted = before > 0 ? before - 1 : before + 1;
  const focused = () => page.evaluate(() => document.activeElement.closest('.passage')?.dataset.index);
  assert.equal(await focused(), String(wanted));
  assert.equal(await page.locator('.passage-time[tabindex="0"]').count(), 1, 'one passage is in the tab order');
  await page.keyboard.press('Enter');
  await page.waitForFunction((index) => document.querySelector('.passage[aria-current]').dataset.index === index, String(wanted));
});
