// The page of one site: search, results, filters, episodes.

import { api_manifest, api_site } from './api.js';
import { archive_view } from './archive.js';
import { el, fill, icon_button, is_plain_click } from './dom.js';
import { filters_button, filters_chips, filters_open } from './filters.js';
import { info_open } from './info.js';
import { byId, page_open, results_keys, search_line, search_view, theme_button } from './page.js';
import { sheet_open } from './sheet.js';
import { state_searchable, state_url } from './state.js';

const found = byId('found');
const archive = byId('archive');
const site_name = byId('title').textContent;

const data = { site: null, podcasts: [], episodes: new Map(), loaded: false, failure: null };
let sheet = null;
let play_next = false; // the coming change of state was asked for with "play"

const page = page_open(draw);
const line = search_line(page, () => results.retry());
const results = search_view(found, {
  go: page.go,
  hit_url: (hit, state) => state_url({ ...state, episode: Number(hit.sequentialEpisodeIdAsString), start: hit.startTimeMs }),
  on_open: (hit, event, play) => episode_open(Number(hit.sequentialEpisodeIdAsString), hit.startTimeMs, event, play),
  length_of: (hit) => (data.episodes.get(Number(hit.sequentialEpisodeIdAsString))?.durationInSeconds ?? 0) * 1000,
  source_of: (hit) => (data.podcasts.length > 1 ? { title: hit.podcastTitle } : null),
  tools: (state) => filters_button(state, () => filters_open(page.state, data, page.go)),
  chips: (state) => filters_chips(state, data, page.go),
});

function episode_open(id, start, event, play = false) {
  if (!is_plain_click(event)) return;
  event.preventDefault();
  play_next = play;
  page.go({ episode: id, start });
  play_next = false;
}

// Going back where the sheet was opened from here keeps the history short; a sheet that a link opened has no page
// behind it, so it makes one.
function episode_dismiss() {
  if (history.state?.within) history.back();
  else page.go({ episode: null, start: null });
}

function podcast_title(id) {
  return data.podcasts.find((podcast) => podcast.id === id)?.title ?? '';
}

function draw(state, before) {
  line.show(state.query);
  document.documentElement.dataset.view = state_searchable(state) ? 'results' : 'idle';
  archive.hidden = state_searchable(state) || !data.loaded;
  found.hidden = !state_searchable(state) && !data.failure;
  if (state_searchable(state)) results.show(state);
  else results.clear();
  if (data.failure && !state_searchable(state)) failure_draw();
  sheet_draw(state);
  title_draw(state);
  if (before && before.page !== state.page && before.query === state.query) {
    scrollTo({ top: 0 });
    found.focus({ preventScroll: true });
  }
}

function sheet_draw(state) {
  if (sheet && sheet.id !== state.episode) {
    sheet.close();
    sheet = null;
  }
  if (state.episode === null || !data.loaded) return;
  if (sheet) {
    sheet.show(state.start, play_next);
    return;
  }
  const episode = data.episodes.get(state.episode);
  if (!episode) {
    fill(archive, el('p', { class: 'notice', role: 'alert', text: `There is no episode ${state.episode} on this site.` }));
    return;
  }
  sheet = sheet_open(episode, {
    podcast: podcast_title(episode.podcastId) || site_name,
    show_podcast: data.podcasts.length > 1,
    query: state_searchable(state) ? state.query : '',
    start: state.start,
    playing: play_next,
    share_url: (ms) => state_url({ ...page.state, episode: episode.sequentialId, start: ms }),
    on_dismiss: episode_dismiss,
    on_moment: (ms) => page.go({ start: ms }, { replace: true }),
  });
}

function title_draw(state) {
  const name = data.site?.pageTitle || site_name;
  const episode = data.episodes.get(state.episode);
  if (episode) document.title = `${episode.title} · ${name}`;
  else document.title = state_searchable(state) ? `“${state.query}” · ${name}` : name;
}

function failure_draw() {
  fill(
    found,
    el(
      'div',
      { class: 'notice', role: 'alert' },
      el('p', { text: data.failure.message }),
      el('button', { type: 'button', class: 'button', text: 'Try again', on: { click: load } }),
    ),
  );
}

function site_draw(site) {
  const header = site.appHeader ?? {};
  byId('title').textContent = header.primaryTitle || site_name;
  byId('brand').textContent = header.primaryTitle || site_name;
  const name = header.taglinePrimaryPodcastName || header.primaryTitle || site_name;
  const link = /^https?:/i.test(header.taglinePrimaryPodcastExternalURL ?? '')
    ? el('a', { href: header.taglinePrimaryPodcastExternalURL, rel: 'noopener', text: name })
    : name;
  fill(byId('tagline'), 'Search the ', link, ` ${header.taglineSuffix || 'archives'}`);
  const home = new URL(site.home || '/', document.baseURI).href;
  if (home !== document.baseURI) {
    byId('crumb').href = home;
    byId('crumb').hidden = false;
  }
  hints_draw(site.searchPlaceholderOptions ?? []);
}

// One of the site's own phrases in the search line; the others to press.
function hints_draw(phrases) {
  const usable = phrases.filter((phrase) => typeof phrase === 'string' && phrase.trim());
  if (!usable.length) return;
  const at = Math.floor(Math.random() * usable.length);
  byId('query').placeholder = `e.g. ${usable[at]}`;
  const others = usable.filter((_, index) => index !== at || usable.length === 1).slice(0, 4);
  fill(
    byId('hints'),
    'Try ',
    others.flatMap((phrase, index) => [
      index ? ', ' : null,
      el('a', {
        href: state_url({ ...page.state, query: phrase, page: 1, episode: null }),
        text: phrase,
        on: {
          click: (event) => {
            if (!is_plain_click(event)) return;
            event.preventDefault();
            page.go({ query: phrase, page: 1 });
          },
        },
      }),
    ]),
  );
}

function archive_draw() {
  archive_view(archive, [...data.episodes.values()], {
    url: (episode) => state_url({ ...page.state, query: '', page: 1, episode: episode.sequentialId, start: null }),
    on_open: (episode, event) => episode_open(episode.sequentialId, null, event),
    podcast_title: (id) => (data.podcasts.length > 1 ? podcast_title(id) : null),
  });
}

async function load() {
  data.failure = null;
  try {
    const [site, manifest] = await Promise.all([api_site(), api_manifest()]);
    data.site = site;
    data.podcasts = site.podcasts ?? [];
    const rows = [...(manifest.episodes ?? [])].sort((a, b) => a.sequentialId - b.sequentialId);
    data.episodes = new Map(rows.map((episode) => [episode.sequentialId, episode]));
    data.loaded = true;
    site_draw(site);
    archive_draw();
    results.redraw();
  } catch (error) {
    data.failure = error;
  }
  draw(page.state);
}

function tools_draw() {
  const about = () =>
    info_open(data.site, `Every word spoken in these episodes is written down and can be searched. Press a result to read it in its place, or its time to hear it.`);
  fill(byId('tools'), icon_button('info', 'About this page', about), theme_button());
  byId('brand').addEventListener('click', (event) => {
    if (!is_plain_click(event)) return;
    event.preventDefault();
    page.go({ query: '', page: 1, episode: null, start: null, from: '', to: '', episodes: [], podcasts: [], sort: 'relevance' });
    byId('query').focus();
  });
}

tools_draw();
results_keys(found);
draw(page.state);
load();
