// What the page shows, as a value, and the address that says the same. Everything is restored from the address, so a
// link, a reload and the back button all lead to the same page.

export const PAGE_SIZE = 25;
export const QUERY_MIN = 2;
const SORTS = ['relevance', 'newest', 'oldest'];
const LIST_MAX = 500; // entries taken from a list in an address; a longer one was not made by this page

export function state_empty() {
  return {
    query: '',
    sort: 'relevance',
    page: 1,
    from: '',
    to: '',
    episodes: [],
    podcasts: [],
    sites: [],
    episode: null,
    start: null,
  };
}

function whole_number(text) {
  return /^\d{1,15}$/.test(text ?? '') ? Number(text) : null;
}

function date_valid(text) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text ?? '')) return '';
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text) ? text : '';
}

function list_parse(text) {
  const items = (text ?? '').split(',').map((item) => item.trim());
  return [...new Set(items.filter(Boolean))].slice(0, LIST_MAX);
}

// The path below the base: "" or "episode/12".
function path_below(url, base) {
  const root = new URL(base).pathname;
  return url.pathname.startsWith(root) ? url.pathname.slice(root.length) : '';
}

// `url` is an address of the page, `base` its base address. What makes no sense is left at its default.
export function state_parse(url, base = document.baseURI) {
  const address = new URL(url, base);
  const values = address.searchParams;
  const state = state_empty();
  const episode = /^episode\/(\d{1,9})\/?$/.exec(path_below(address, base));
  state.query = (values.get('q') ?? '').trim();
  if (SORTS.includes(values.get('sort'))) state.sort = values.get('sort');
  state.page = Math.max(1, whole_number(values.get('page')) ?? 1);
  state.from = date_valid(values.get('from'));
  state.to = date_valid(values.get('to'));
  state.episodes = list_parse(values.get('episodes')).filter((id) => /^\d{1,9}$/.test(id));
  state.podcasts = list_parse(values.get('podcasts'));
  state.sites = list_parse(values.get('sites'));
  if (episode) {
    state.episode = Number(episode[1]);
    state.start = whole_number(values.get('start'));
  }
  return state;
}

// The search part of an address, defaults left out: "?q=tide&page=2" or "".
export function state_params(state) {
  const values = new URLSearchParams();
  if (state.query) values.set('q', state.query);
  if (state.sort !== 'relevance') values.set('sort', state.sort);
  if (state.page > 1) values.set('page', state.page);
  if (state.from) values.set('from', state.from);
  if (state.to) values.set('to', state.to);
  if (state.episodes.length) values.set('episodes', state.episodes.join(','));
  if (state.podcasts.length) values.set('podcasts', state.podcasts.join(','));
  if (state.sites.length) values.set('sites', state.sites.join(','));
  if (state.episode !== null && state.start !== null) values.set('start', state.start);
  const text = values.toString().replaceAll('%2C', ',');
  return text ? `?${text}` : '';
}

// The whole address of a state.
export function state_url(state, base = document.baseURI) {
  const path = state.episode === null ? '' : `episode/${state.episode}`;
  return new URL(path + state_params(state), base).href;
}

export function state_filters(state) {
  return (state.from || state.to ? 1 : 0) + state.episodes.length + state.podcasts.length + state.sites.length;
}

export function state_without_filters(state) {
  return { ...state, from: '', to: '', episodes: [], podcasts: [], sites: [], page: 1 };
}

export function state_searchable(state) {
  return [...state.query].length >= QUERY_MIN;
}

// The body of a search request for the page that `state` shows.
export function state_request(state) {
  const body = {
    query: state.query,
    limit: PAGE_SIZE,
    offset: (state.page - 1) * PAGE_SIZE,
    searchFields: ['text'],
  };
  if (state.sort !== 'relevance') {
    body.sortBy = 'episodePublishedUnixTimestamp';
    body.sortOrder = state.sort === 'newest' ? 'DESC' : 'ASC';
  }
  if (state.from) body.startDate = state.from;
  if (state.to) body.endDate = state.to;
  if (state.episodes.length) body.episodeIds = state.episodes;
  if (state.podcasts.length) body.podcastIds = state.podcasts;
  if (state.sites.length) body.siteIds = state.sites;
  return body;
}
