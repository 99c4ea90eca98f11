// The filters: a date range with presets, podcasts, episodes. Chosen in a drawer, shown as chips that can be taken off.

import { dialog_make, dialog_show } from './dialog.js';
import { el, icon } from './dom.js';
import { state_filters, state_without_filters } from './state.js';
import { count_label, date_iso, date_label, plural } from './text.js';

const DAY_MS = 86400000;
const PRESETS = [
  ['Any time', 0],
  ['Last 30 days', 30],
  ['Last year', 365],
];

export function filters_button(state, on_click) {
  const count = state_filters(state);
  return el(
    'button',
    { type: 'button', class: 'button button-quiet', id: 'filters-open', on: { click: on_click } },
    icon('filter'),
    'Filters',
    count ? el('span', { class: 'badge', 'aria-label': `${plural(count, 'filter')} on`, text: count_label(count) }) : null,
  );
}

function range_label(from, to) {
  if (from && to) return `${date_label(from)} – ${date_label(to)}`;
  return from ? `Since ${date_label(from)}` : `Until ${date_label(to)}`;
}

// The filters in force, each with a way to take it off; null where there are none.
export function filters_chips(state, { podcasts, episodes }, go) {
  if (!state_filters(state)) return null;
  const chip = (label, change) =>
    el(
      'li',
      {},
      el(
        'button',
        { type: 'button', class: 'chip', 'aria-label': `Remove filter: ${label}`, on: { click: () => go({ ...change, page: 1 }) } },
        el('span', { text: label }),
        icon('close'),
      ),
    );
  const without = (list, item) => list.filter((other) => other !== item);
  return el(
    'ul',
    { class: 'chips', 'aria-label': 'Filters' },
    state.from || state.to ? chip(range_label(state.from, state.to), { from: '', to: '' }) : null,
    state.podcasts.map((id) =>
      chip(podcasts.find((podcast) => podcast.id === id)?.title ?? id, { podcasts: without(state.podcasts, id) }),
    ),
    state.episodes.map((id) =>
      chip(episodes.get(Number(id))?.title ?? `Episode ${id}`, { episodes: without(state.episodes, id) }),
    ),
    el(
      'li',
      {},
      el('button', {
        type: 'button',
        class: 'chip chip-clear',
        text: 'Clear all',
        on: { click: () => go(state_without_filters(state)) },
      }),
    ),
  );
}

// Opens the drawer. `podcasts` as in site.json, `episodes` a map from sequentialId to the manifest's row.
export function filters_open(state, { podcasts, episodes }, go) {
  const dates = dates_view(state);
  const shows = podcasts.length > 1 ? podcasts_view(state, podcasts) : null;
  const list = episodes_view(state, episodes);
  const form = el(
    'form',
    {
      class: 'dialog-form',
      on: {
        submit: (event) => {
          event.preventDefault();
          dialog.close();
          go({ ...dates.value(), podcasts: shows?.value() ?? state.podcasts, episodes: list.value(), page: 1 });
        },
      },
    },
    el('div', { class: 'dialog-body' }, dates.element, shows?.element, list.element),
    el(
      'div',
      { class: 'dialog-foot' },
      el('button', {
        type: 'button',
        class: 'button button-quiet',
        text: 'Clear all',
        on: {
          click: () => {
            dialog.close();
            go(state_without_filters(state));
          },
        },
      }),
      el('button', { type: 'submit', class: 'button', text: 'Show results' }),
    ),
  );
  const dialog = dialog_make({ name: 'filters', title: 'Filters', kind: 'drawer' }, form);
  dialog_show(dialog);
}

function dates_view(state) {
  const from = el('input', { type: 'date', id: 'filter-from', value: state.from, max: '9999-12-31' });
  const to = el('input', { type: 'date', id: 'filter-to', value: state.to, max: '9999-12-31' });
  const presets = PRESETS.map(([label, days]) =>
    el('button', {
      type: 'button',
      class: 'chip',
      text: label,
      data: { days },
      on: {
        click: () => {
          from.value = days ? date_iso(Date.now() - days * DAY_MS) : '';
          to.value = '';
          mark();
        },
      },
    }),
  );
  const mark = () => {
    for (const preset of presets) {
      const days = Number(preset.dataset.days);
      const wanted = days ? date_iso(Date.now() - days * DAY_MS) : '';
      preset.setAttribute('aria-pressed', String(from.value === wanted && to.value === ''));
    }
  };
  from.addEventListener('input', mark);
  to.addEventListener('input', mark);
  mark();
  const element = el(
    'fieldset',
    { class: 'block' },
    el('legend', { text: 'Published' }),
    el('div', { class: 'chips' }, presets),
    el(
      'div',
      { class: 'range' },
      el('label', { for: 'filter-from' }, el('span', { text: 'From' }), from),
      el('label', { for: 'filter-to' }, el('span', { text: 'To' }), to),
    ),
  );
  const value = () => {
    const dates = [from.value, to.value];
    if (dates[0] && dates[1] && dates[0] > dates[1]) dates.reverse();
    return { from: dates[0], to: dates[1] };
  };
  return { element, value };
}

function check_row(value, label, detail, checked) {
  return el(
    'label',
    { class: 'check' },
    el('input', { type: 'checkbox', value, prop: { checked } }),
    el('span', { class: 'check-label', dir: 'auto', text: label }),
    detail ? el('span', { class: 'check-detail', text: detail }) : null,
  );
}

const checked_values = (element) => [...element.querySelectorAll('input[type=checkbox]:checked')].map((box) => box.value);

function podcasts_view(state, podcasts) {
  const element = el(
    'fieldset',
    { class: 'block' },
    el('legend', { text: 'Podcasts' }),
    podcasts.map((podcast) =>
      check_row(
        podcast.id,
        podcast.title,
        podcast.status === 'inactive' ? 'no longer updated' : '',
        state.podcasts.includes(podcast.id),
      ),
    ),
  );
  return { element, value: () => checked_values(element) };
}

function episodes_view(state, episodes) {
  // The chosen ones first, then the newest.
  const chosen = (episode) => state.episodes.includes(String(episode.sequentialId));
  const ordered = [...episodes.values()].reverse().sort((a, b) => chosen(b) - chosen(a));
  const rows = ordered.map((episode) => ({
    words: `${episode.sequentialId} ${episode.title}`.toLowerCase(),
    element: check_row(
      String(episode.sequentialId),
      `#${episode.sequentialId}: ${episode.title}`,
      date_label(episode.publishedAt),
      chosen(episode),
    ),
  }));
  const list = el(
    'div',
    { class: 'check-list', role: 'group', 'aria-label': 'Episodes', tabindex: '-1' },
    rows.map((row) => row.element),
  );
  const none = el('p', { class: 'quiet', text: 'No episode has that in its title.', hidden: true });
  const find = el('input', {
    type: 'search',
    class: 'field',
    placeholder: 'Find an episode by its title or number',
    'aria-label': 'Find an episode by its title or number',
    on: {
      input: () => {
        const wanted = find.value.trim().toLowerCase();
        for (const row of rows) row.element.hidden = !row.words.includes(wanted);
        none.hidden = rows.some((row) => !row.element.hidden);
      },
      keydown: (event) => event.key === 'Enter' && event.preventDefault(),
    },
  });
  const element = el('fieldset', { class: 'block' }, el('legend', { text: 'Episodes' }), find, none, list);
  return { element, value: () => checked_values(list) };
}
