// The console: one page, whose address says what is shown. Each module of a page gives `open(place, params, app)`, which fills
// `place` and may return a function that ends it.

import { el, fill, icon_button, is_plain_click, is_typing } from '../site/dom.js';
import { open as activities } from './activities.js';
import { open as editor } from './editor.js';
import { open as execution } from './execution.js';
import { open as machine } from './machine.js';
import { open as machines } from './machines.js';
import { open as map_run } from './map_run.js';
import { open as schedules } from './schedules.js';

const PAGES = { machines, machine, execution, edit: editor, new: editor, 'map-run': map_run, schedules, activities };
const NAV = [
  ['machines', 'State machines', ['machines', 'machine', 'execution', 'edit', 'new', 'map-run']],
  ['schedules', 'Schedules', ['schedules']],
  ['activities', 'Activities', ['activities']],
];

const main = document.getElementById('main');
const nav = document.getElementById('nav');
let end = null;
let guard = null; // asks before a page with unsaved work is left
let turn = 0;

const page_of = (url) => url.pathname.slice(new URL(document.baseURI).pathname.length) || 'machines';

const app = {
  // Goes to another address of the console.
  go(url, { replace = false } = {}) {
    if (!replace && guard && !guard()) return;
    guard = null;
    history[replace ? 'replaceState' : 'pushState'](null, '', new URL(url, document.baseURI));
    show(true);
  },
  // Changes parameters of the address without drawing the page anew.
  note(params) {
    const url = new URL(location.href);
    for (const [key, value] of Object.entries(params)) {
      if (value === null || value === undefined || value === '') url.searchParams.delete(key);
      else url.searchParams.set(key, value);
    }
    history.replaceState(null, '', url);
  },
  title(words) {
    document.title = `${words} · tidemill`;
  },
  // `may_leave()` is asked before the page is left; null takes it back.
  guard(may_leave) {
    guard = may_leave;
  },
};

function nav_draw(page) {
  fill(
    nav,
    NAV.map(([url, words, pages]) => el('a', { href: url, 'aria-current': pages.includes(page) ? (page === url ? 'page' : 'true') : null, text: words })),
  );
}

async function show(by_hand) {
  const mine = ++turn;
  const url = new URL(location.href);
  const page = page_of(url);
  end?.();
  end = null;
  nav_draw(page);
  const place = el('div', { class: `page page-${page in PAGES ? page : 'none'}` });
  fill(main, place);
  if (by_hand) {
    scrollTo({ top: 0 });
    main.focus({ preventScroll: true });
  }
  if (!Object.hasOwn(PAGES, page)) {
    app.title('Not found');
    fill(place, el('h1', { class: 'page-title', text: 'There is no such page' }), el('p', {}, el('a', { href: 'machines', text: 'All state machines' })));
    return;
  }
  const ended = await PAGES[page](place, url.searchParams, { ...app, page, gone: () => mine !== turn });
  if (mine === turn) end = ended ?? null;
  else ended?.();
}

document.addEventListener('click', (event) => {
  const link = event.target.closest?.('a[href]');
  if (!link || !is_plain_click(event) || event.defaultPrevented || link.target || link.hasAttribute('download')) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || !url.pathname.startsWith(new URL(document.baseURI).pathname)) return;
  event.preventDefault();
  app.go(url);
});
addEventListener('popstate', () => {
  guard = null;
  show(false);
});
addEventListener('beforeunload', (event) => {
  if (guard && !guard(true)) event.preventDefault();
});
document.getElementById('skip').addEventListener('click', () => main.focus());
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || is_typing(event.target)) return;
  const search = main.querySelector('input[type="search"]');
  if (!search) return;
  event.preventDefault();
  search.focus();
});

fill(
  document.getElementById('tools'),
  icon_button('theme', 'Light or dark', () => window.tidemill.theme_toggle()),
);
show(false);
