// The result list: the line above it, one entry a hit, and the page numbers below.

import { el, fill, icon } from './dom.js';
import { marks_nodes } from './marks.js';
import { PAGE_SIZE, state_filters, state_params, state_without_filters } from './state.js';
import { count_label, date_element, plural, span_label, time_label } from './text.js';

// Keeps what is shown while newer results are on their way, only quieter, so that nothing jumps.
export function results_loading(place, state) {
  place.hidden = false;
  place.setAttribute('aria-busy', 'true');
  if (!place.querySelector('.hits')) {
    fill(
      place,
      el('div', { class: 'found-head' }, el('p', { class: 'found-count', role: 'status', text: 'Searching…' })),
      el(
        'div',
        { class: 'ghosts', 'aria-hidden': 'true' },
        Array.from({ length: 6 }, () => el('div', { class: 'ghost' })),
      ),
    );
  } else {
    const status = place.querySelector('.found-count');
    if (status) status.dataset.query = state.query;
  }
}

// Says what went wrong, and offers to try again.
export function results_error(place, error, on_retry) {
  place.hidden = false;
  place.removeAttribute('aria-busy');
  fill(
    place,
    el(
      'div',
      { class: 'notice', role: 'alert' },
      el('p', { text: error.message }),
      el('button', { type: 'button', class: 'button', text: 'Try again', on: { click: on_retry } }),
    ),
  );
}

// Draws an answer. `options`: `go(change)` changes the state; `hit_url(hit, state)` is where a hit leads;
// `on_open(hit, event, play)` may handle the click; `length_of(hit)` gives an episode's milliseconds or 0;
// `source_of(hit)` names the podcast or site, as { title, accent? } or null; `tools(state)` and `chips(state)` give
// nodes for the line above.
export function results_view(place, { answer, state, ...options }) {
  place.hidden = false;
  place.removeAttribute('aria-busy');
  const pages = Math.max(1, Math.ceil(answer.totalHits / PAGE_SIZE));
  fill(
    place,
    results_head(answer, state, options),
    options.chips?.(state),
    results_spelling(answer, state, options.go),
    answer.hits.length
      ? el(
          'ol',
          { class: 'hits', start: (state.page - 1) * PAGE_SIZE + 1 },
          answer.hits.map((hit) => hit_view(hit, state, options)),
        )
      : results_none(answer, state, options),
    answer.hits.length && pages > 1 ? pager_view(state, pages, options.go) : null,
  );
}

function results_head(answer, state, options) {
  const first = (state.page - 1) * PAGE_SIZE + 1;
  const last = first + answer.hits.length - 1;
  const range = answer.hits.length
    ? `Showing ${count_label(first)}-${count_label(last)} of ${plural(answer.totalHits, 'hit')}`
    : 'No hits';
  return el(
    'div',
    { class: 'found-head' },
    el(
      'p',
      { class: 'found-count', role: 'status' },
      el('span', { text: range }),
      el('span', { class: 'found-time', text: `Search time: ${span_label(answer.processingTimeMs)}` }),
    ),
    el('div', { class: 'found-tools' }, options.tools?.(state), sort_view(state, options.go)),
  );
}

function sort_view(state, go) {
  const names = { relevance: 'Most relevant', newest: 'Newest first', oldest: 'Oldest first' };
  return el(
    'label',
    { class: 'select' },
    el('span', { class: 'visually-hidden', text: 'Sort by' }),
    el(
      'select',
      { id: 'sort', on: { change: (event) => go({ sort: event.target.value, page: 1 }) } },
      Object.entries(names).map(([value, label]) => el('option', { value, text: label, selected: value === state.sort })),
    ),
  );
}

// Another spelling, taken already because the one typed finds nothing, or offered.
function results_spelling(answer, state, go) {
  const link = (query) =>
    el(
      'a',
      {
        href: state_params({ ...state, query, page: 1 }),
        on: {
          click: (event) => {
            event.preventDefault();
            go({ query, page: 1 });
          },
        },
      },
      query,
    );
  if (answer.correctedQuery && answer.correctedQuery !== state.query && answer.hits.length) {
    return el(
      'p',
      { class: 'spelling' },
      `Nothing was found for “${state.query}”, so these are the results for `,
      link(answer.correctedQuery),
      '.',
    );
  }
  const offered = answer.didYouMean;
  if (!offered || offered === state.query) return null;
  return el('p', { class: 'spelling' }, 'Did you mean ', link(offered), '?');
}

function results_none(answer, state, options) {
  const past_end = answer.totalHits > 0;
  const filtered = !past_end && state_filters(state) > 0;
  const advice = past_end
    ? `There are only ${plural(Math.ceil(answer.totalHits / PAGE_SIZE), 'page')}.`
    : filtered
      ? 'The filters above leave some episodes out.'
      : 'Try fewer words, a part of a word followed by *, or the words as they are spoken. Put a phrase in "quotes" to keep its order.';
  return el(
    'div',
    { class: 'none' },
    el('p', {
      class: 'none-title',
      text: past_end ? `Nothing on page ${state.page}` : `No results found for “${state.query}”`,
    }),
    el('p', { text: advice }),
    past_end
      ? el('button', {
          type: 'button',
          class: 'button',
          text: 'Go to page 1',
          on: { click: () => options.go({ page: 1 }) },
        })
      : null,
    filtered
      ? el('button', {
          type: 'button',
          class: 'button',
          text: 'Search without filters',
          on: { click: () => options.go(state_without_filters(state)) },
        })
      : null,
  );
}

function hit_view(hit, state, options) {
  const source = options.source_of?.(hit);
  const url = options.hit_url(hit, state);
  const open = (play) => (event) => options.on_open?.(hit, event, play);
  const span = `${time_label(hit.startTimeMs)}–${time_label(hit.endTimeMs)}`;
  const item = el(
    'li',
    { class: 'hit', id: `hit-${hit.siteId ? `${hit.siteId}-` : ''}${hit.id}` },
    el(
      'a',
      { class: 'hit-time', href: url, on: { click: open(true) } },
      el('span', { class: 'visually-hidden', text: 'Play ' }),
      el('span', { class: 'hit-span' }, icon('play'), span),
      el('span', { class: 'visually-hidden', text: ` of ${hit.episodeTitle}` }),
      track_view(hit, options.length_of?.(hit) ?? 0),
    ),
    el(
      'div',
      { class: 'hit-body' },
      el('a', { class: 'hit-text', dir: 'auto', href: url, on: { click: open(false) } }, marks_nodes(hit.text, hit.marks)),
      el(
        'p',
        { class: 'hit-meta' },
        source ? el('span', { class: 'hit-source', text: source.title }) : null,
        el('cite', { class: 'hit-title', dir: 'auto', text: hit.episodeTitle }),
        date_element(hit.episodePublishedUnixTimestamp),
      ),
    ),
  );
  if (source?.accent) item.style.setProperty('--source', source.accent);
  return item;
}

// A line as long as the episode, with a mark where the hit is.
function track_view(hit, length_ms) {
  if (!(length_ms > 0)) return null;
  const track = el('span', { class: 'track', 'aria-hidden': 'true' }, el('span', { class: 'track-at' }));
  const at = Math.min(1, Math.max(0, hit.startTimeMs / length_ms));
  track.style.setProperty('--at', `${(at * 100).toFixed(2)}%`);
  return track;
}

// Page numbers: the first, the last, and three around the present one, with gaps between. Null is a gap.
export function pager_numbers(page, pages) {
  const from = Math.max(1, Math.min(page - 1, pages - 2));
  const near = [from, from + 1, from + 2].filter((number) => number <= pages);
  const numbers = [...new Set([1, ...near, pages])].sort((a, b) => a - b);
  return numbers.flatMap((number, at) => (at && number - numbers[at - 1] > 1 ? [null, number] : [number]));
}

function pager_view(state, pages, go) {
  const link = (number, content, name, current = false) =>
    el(
      'a',
      {
        class: 'pager-link',
        href: state_params({ ...state, page: number }) || '?',
        'aria-label': name,
        'aria-current': current ? 'page' : null,
        on: {
          click: (event) => {
            event.preventDefault();
            go({ page: number });
          },
        },
      },
      content,
    );
  const { page } = state;
  return el(
    'nav',
    { class: 'pager', 'aria-label': 'Pages of results' },
    page > 1 ? link(page - 1, icon('left'), 'Previous page') : el('span', { class: 'pager-link' }),
    pager_numbers(page, pages).map((number) =>
      number === null
        ? el('span', { class: 'pager-gap', text: '…' })
        : link(number, count_label(number), `Page ${number}`, number === page),
    ),
    page < pages ? link(page + 1, icon('right'), 'Next page') : el('span', { class: 'pager-link' }),
  );
}
