// The home page: every site, and a search over all of them at once.

import { api_sites } from './api.js';
import { el, fill, icon_button } from './dom.js';
import { info_open } from './info.js';
import { byId, page_open, results_keys, search_line, search_view, theme_button } from './page.js';
import { state_params, state_searchable } from './state.js';
import { date_label, plural } from './text.js';

const found = byId('found');
const place = byId('sites');
const data = { sites: [] };

const page = page_open(draw);
const line = search_line(page, () => results.retry());
const results = search_view(found, {
  go: page.go,
  hit_url,
  source_of: (hit) => ({ title: hit.siteTitle, accent: site_accent(site_of(hit.siteId)) }),
  chips: sites_chips,
});

const site_of = (id) => data.sites.find((site) => site.id === id);

// The site's colour for the theme of the moment, moved until it can be read.
function site_accent(site) {
  const { theme } = document.documentElement.dataset;
  const colour = (theme === 'dark' && site?.themeColorDark) || site?.themeColor;
  return colour ? window.tidemill.accent_css(colour, theme) : null;
}

// A hit leads into its own site, with the words kept.
function hit_url(hit, state) {
  const params = state_params({ ...state, sites: [], page: 1, episode: 0, start: hit.startTimeMs });
  const base = hit.siteBase || `/sites/${encodeURIComponent(hit.siteId)}/`;
  return new URL(`${base}episode/${encodeURIComponent(hit.sequentialEpisodeIdAsString)}${params}`, document.baseURI).href;
}

// A button a site: pressed ones are searched; none pressed means all.
function sites_chips(state) {
  if (data.sites.length < 2) return null;
  return el(
    'ul',
    { class: 'chips', 'aria-label': 'Sites' },
    data.sites.map((site) => {
      const on = state.sites.includes(site.id);
      const sites = on ? state.sites.filter((id) => id !== site.id) : [...state.sites, site.id];
      const chip = el('button', {
        type: 'button',
        class: 'chip chip-site',
        'aria-pressed': String(on),
        text: site.title,
        on: { click: () => page.go({ sites, page: 1 }) },
      });
      const accent = site_accent(site);
      if (accent) chip.style.setProperty('--source', accent);
      return el('li', {}, chip);
    }),
  );
}

function draw(state, before) {
  line.show(state.query);
  const searching = state_searchable(state);
  document.documentElement.dataset.view = searching ? 'results' : 'idle';
  document.title = searching ? `“${state.query}” · ${byId('brand').textContent}` : byId('brand').textContent;
  place.hidden = searching;
  found.hidden = !searching;
  if (searching) results.show(state);
  else results.clear();
  if (before && before.page !== state.page && before.query === state.query) {
    scrollTo({ top: 0 });
    found.focus({ preventScroll: true });
  }
}

function site_view(site) {
  const item = el(
    'li',
    { class: 'site' },
    el('a', { class: 'site-title', href: site.base, text: site.title }),
    el('p', { class: 'site-tagline', text: site.tagline }),
    el('p', {
      class: 'site-meta',
      text: [Number.isInteger(site.episodeCount) ? plural(site.episodeCount, 'episode') : '', site.lastUpdated ? `updated ${date_label(site.lastUpdated)}` : ''].filter(Boolean).join(' · '),
    }),
  );
  const accent = site_accent(site);
  if (accent) item.style.setProperty('--source', accent);
  return item;
}

function sites_draw() {
  const episodes = data.sites.reduce((sum, site) => sum + (site.episodeCount || 0), 0);
  fill(
    place,
    el('h2', { class: 'section-title', id: 'sites-title', text: data.sites.length ? plural(data.sites.length, 'site') : 'No sites yet' }),
    data.sites.length
      ? el('p', { class: 'shape-line', text: `${plural(episodes, 'episode')} in all` })
      : el('p', { class: 'shape-line' }, 'Make the first with ', el('code', { text: 'tidemill podcast add FEED_URL' }), '.'),
    el('ol', { class: 'site-list' }, data.sites.map(site_view)),
  );
}

async function load() {
  try {
    data.sites = (await api_sites()).sites ?? [];
    sites_draw();
    results.redraw();
  } catch (error) {
    fill(
      place,
      el(
        'div',
        { class: 'notice', role: 'alert' },
        el('p', { text: error.message }),
        el('button', { type: 'button', class: 'button', text: 'Try again', on: { click: load } }),
      ),
    );
  }
}

function theme_follow() {
  const watcher = new MutationObserver(() => {
    if (data.sites.length) sites_draw();
    results.redraw();
  });
  watcher.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
}

fill(
  byId('tools'),
  icon_button('info', 'About this page', () =>
    info_open(null, 'Every word spoken in the episodes of these sites is written down. Search them all from here, or open one.'),
  ),
  theme_button(),
);
theme_follow();
results_keys(found);
draw(page.state);
load();
