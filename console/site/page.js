// What both pages share: the search line, the address, the tools in the corner, and fetching results.

import { api_search } from './api.js';
import { el, icon_button, is_typing } from './dom.js';
import { state_parse, state_request, state_searchable, state_url } from './state.js';
import { results_error, results_loading, results_view } from './results.js';

export const byId = (id) => document.getElementById(id);

// The page's state and its address, changed together. `on_change(state, before)` draws.
export function page_open(on_change) {
  const page = { state: state_parse(location.href) };

  page.go = (change, { replace = false } = {}) => {
    const before = page.state;
    page.state = { ...before, ...change };
    const url = state_url(page.state);
    if (url !== location.href) {
      const kept = replace ? history.state : { within: true };
      history[replace ? 'replaceState' : 'pushState'](kept, '', url);
    }
    on_change(page.state, before);
  };

  window.addEventListener('popstate', () => {
    for (const drawer of document.querySelectorAll('.dialog[open]')) drawer.close();
    const before = page.state;
    page.state = state_parse(location.href);
    on_change(page.state, before);
  });
  return page;
}

// A click on a drawing toggles light and dark.
export function theme_button() {
  const button = icon_button('theme', 'Switch between light and dark', () => {
    const theme = window.tidemill.theme_toggle();
    button.setAttribute('aria-pressed', String(theme === 'dark'));
  });
  button.setAttribute('aria-pressed', String(document.documentElement.dataset.theme === 'dark'));
  return button;
}

// The search line: searches on Enter or a press of the button, for two characters or more. `on_same()` is called when the
// query is the one already shown.
export function search_line(page, on_same) {
  const form = byId('search');
  const input = byId('query');
  const hint = el('p', { class: 'search-hint', role: 'status' });
  form.after(hint);

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const query = input.value.trim().replace(/\s+/g, ' ');
    if (query && !state_searchable({ query })) {
      hint.textContent = 'Type at least two characters.';
      return;
    }
    hint.textContent = '';
    input.value = query;
    if (query !== page.state.query) page.go({ query, page: 1, episode: null, start: null });
    else on_same();
    if (query && matchMedia('(pointer: coarse)').matches) input.blur(); // puts the screen keyboard away
  });
  input.addEventListener('input', () => (hint.textContent = ''));
  return {
    show(query) {
      if (document.activeElement !== input || query) input.value = query;
      if (!query) input.value = '';
    },
  };
}

// Fetches and draws the results of a state into `place`. One request at a time: a newer one calls off the older, and
// the same one is not sent twice.
export function search_view(place, options) {
  let shown = '';
  let running = null;
  let last = null; // the answer on the page, with its state
  let failed = null; // the state whose request did not work

  async function run(state) {
    running?.abort();
    running = new AbortController();
    failed = null;
    const { signal } = running;
    results_loading(place, state);
    try {
      const answer = await api_search(state_request(state), { signal });
      if (signal.aborted) return;
      last = { answer, state };
      results_view(place, { ...last, ...options });
    } catch (error) {
      if (signal.aborted) return;
      last = null;
      failed = state;
      results_error(place, error, retry);
    }
  }

  function show(state) {
    const key = JSON.stringify(state_request(state));
    if (key === shown) return;
    shown = key;
    run(state);
  }

  // Tries the request that failed again, if one did.
  function retry() {
    if (failed) run(failed);
  }

  function clear() {
    running?.abort();
    failed = null;
    shown = '';
    last = null;
    place.replaceChildren();
  }

  // Draws the same answer again, once more is known about the episodes and sites in it.
  function redraw() {
    if (last && !place.hasAttribute('aria-busy') && !place.contains(document.activeElement)) {
      results_view(place, { ...last, ...options });
    }
  }

  return { show, retry, clear, redraw };
}

// Keys of the result list: "/" goes to the search line, arrows and j/k move, Enter opens (the link's own doing), p plays.
export function results_keys(place) {
  const input = byId('query');
  const links = () => [...place.querySelectorAll('.hit-text')];

  function move(by) {
    const all = links();
    const at = all.findIndex((link) => link.closest('.hit').contains(document.activeElement));
    const next = at < 0 ? (by > 0 ? 0 : -1) : at + by;
    if (next < 0) {
      input.focus();
      return at >= 0;
    }
    if (next >= all.length) return at >= 0;
    all[next].focus({ preventScroll: true });
    all[next].closest('.hit').scrollIntoView({ block: 'nearest' });
    return true;
  }

  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector('dialog[open]')) return;
    const from_input = event.target === input;
    if (is_typing(event.target) && !from_input) return;
    if (from_input) {
      if (event.key === 'ArrowDown' && move(1)) event.preventDefault();
      if (event.key === 'Escape') {
        event.preventDefault(); // which would empty it
        input.blur();
      }
      return;
    }
    const inside = place.contains(event.target) || event.target === document.body;
    if (event.key === '/') {
      event.preventDefault();
      input.focus();
      input.select();
    } else if (event.key === 'j' || (event.key === 'ArrowDown' && inside)) {
      if (move(1)) event.preventDefault();
    } else if (event.key === 'k' || (event.key === 'ArrowUp' && inside)) {
      if (move(-1)) event.preventDefault();
    } else if (event.key === 'p') {
      document.activeElement?.closest('.hit')?.querySelector('.hit-time')?.click();
    }
  });

  byId('skip').addEventListener('click', () => (place.hidden ? byId('main').querySelector('a, button') : place)?.focus());
}
