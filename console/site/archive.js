// What the page shows before anything is searched: the shape of the archive, a bar a month, and its episodes.

import { el, fill } from './dom.js';
import { date_element, duration_label, plural, count_label } from './text.js';

const LATEST = 8;
const BARS_MAX = 120;

// Hours of audio by span of time: months, or as many months together as keep the bars below their ceiling.
export function archive_bars(episodes) {
  const month_of = (episode) => {
    const date = new Date(episode.publishedAt);
    return date.getUTCFullYear() * 12 + date.getUTCMonth();
  };
  const dated = episodes.filter((episode) => !Number.isNaN(Date.parse(episode.publishedAt)));
  if (dated.length < 2) return [];
  const months = dated.map(month_of);
  const first = Math.min(...months);
  const last = Math.max(...months);
  const width = Math.ceil((last - first + 1) / BARS_MAX);
  const bars = Array.from({ length: Math.floor((last - first) / width) + 1 }, (_, at) => ({
    month: first + at * width,
    months: width,
    episodes: 0,
    seconds: 0,
  }));
  dated.forEach((episode, at) => {
    const bar = bars[Math.floor((months[at] - first) / width)];
    bar.episodes += 1;
    bar.seconds += Number(episode.durationInSeconds) || 0;
  });
  return bars;
}

const month_iso = (month, day) => `${Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}-${day}`;

function month_end(month) {
  const days = new Date(Date.UTC(Math.floor(month / 12), (month % 12) + 1, 0)).getUTCDate();
  return month_iso(month, String(days).padStart(2, '0'));
}

// The bars as a drawing; the list below says the same in words, so it is hidden from screen readers.
function bars_view(episodes) {
  const bars = archive_bars(episodes);
  if (bars.length < 3) return null;
  const by_time = bars.some((bar) => bar.seconds > 0);
  // By the square root, so that one marathon does not flatten every other month.
  const size = (bar) => Math.sqrt(by_time ? bar.seconds : bar.episodes);
  const most = Math.max(...bars.map(size));
  const strip = el(
    'div',
    { class: 'strip', 'aria-hidden': 'true' },
    bars.map((bar) => {
      const label = `${month_iso(bar.month, '').slice(0, 7)}: ${plural(bar.episodes, 'episode')}`;
      const column = el('span', { class: 'strip-bar', title: label });
      column.style.setProperty('--size', `${Math.round((size(bar) / most) * 100)}%`);
      return column;
    }),
  );
  const year = (month) => String(Math.floor(month / 12));
  return el(
    'div',
    { class: 'shape' },
    strip,
    el(
      'p',
      { class: 'shape-ends', 'aria-hidden': 'true' },
      el('span', { text: year(bars[0].month) }),
      el('span', { text: month_end(bars[bars.length - 1].month).slice(0, 4) }),
    ),
  );
}

function summary_line(episodes) {
  const seconds = episodes.reduce((sum, episode) => sum + (Number(episode.durationInSeconds) || 0), 0);
  const hours = Math.round(seconds / 3600);
  return `${plural(episodes.length, 'episode')}${hours ? `, ${plural(hours, 'hour')} of talk` : ''}, every word searchable`;
}

function row_view(episode, options) {
  const podcast = options.podcast_title(episode.podcastId);
  return el(
    'li',
    { class: 'episode' },
    el('a', {
      class: 'episode-title',
      dir: 'auto',
      href: options.url(episode),
      text: episode.title,
      on: { click: (event) => options.on_open(episode, event) },
    }),
    el(
      'p',
      { class: 'episode-meta' },
      podcast ? el('span', { class: 'hit-source', text: podcast }) : null,
      date_element(episode.publishedAt),
      el('span', { text: duration_label(episode.durationInSeconds) }),
    ),
  );
}

// Draws the archive into `place`. `episodes` oldest first; `options`: `url(episode)`, `on_open(episode, event)`,
// `podcast_title(id)` (null where there is only one).
export function archive_view(place, episodes, options) {
  const newest = [...episodes].reverse();
  const list = el(
    'ol',
    { class: 'episodes' },
    newest.slice(0, LATEST).map((episode) => row_view(episode, options)),
  );
  const rest = newest.slice(LATEST);
  const more = rest.length
    ? el('button', {
        type: 'button',
        class: 'button button-quiet',
        text: `Show all ${count_label(newest.length)} episodes`,
        on: {
          click: () => {
            const rows = rest.map((episode) => row_view(episode, options));
            list.append(...rows);
            more.remove();
            rows[0].querySelector('a').focus();
          },
        },
      })
    : null;
  fill(
    place,
    bars_view(episodes),
    el('p', { class: 'shape-line', text: episodes.length ? summary_line(episodes) : 'No episodes yet. They appear here after the next run.' }),
    episodes.length ? el('h2', { class: 'section-title', id: 'archive-title', text: 'Latest episodes' }) : null,
    list,
    more,
  );
}
