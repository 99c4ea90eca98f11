// The iterations of a Map: counts, a small square for each, and a list that can be gone through by keys.

import { el, fill } from '../site/dom.js';
import { STATUSES, count_text, seconds_of, span_text } from './format.js';
import { iteration_counts } from './history.js';
import { list_make } from './list.js';
import { status_view } from './parts.js';

const ORDER = ['succeeded', 'failed', 'running', 'aborted', 'pending'];
const SQUARE = 9;
const SQUARE_LARGE = 14;
const CANVAS_MOST = 20000; // squares; beyond that the counts and the list alone

const FILTERS = [
  ['', 'All'],
  ['failed', 'Failed'],
  ['running', 'Running'],
  ['succeeded', 'Succeeded'],
];

// `on_choose(frame)` is told of the iteration chosen; null: all of them together.
export function iterations_make({ visit, on_choose }) {
  let filter = '';
  let chosen = null;
  let frames = [];
  let drawn = '';
  const words = el('p', { class: 'iterations-words' });
  const bar = el('div', { class: 'iterations-bar', 'aria-hidden': 'true' });
  const canvas = el('canvas', { class: 'iterations-grid', 'aria-hidden': 'true' });
  const chips = el('div', { class: 'chips', role: 'group', 'aria-label': 'Iterations by status' });
  const all = el('button', { type: 'button', class: 'button button-quiet iterations-all', text: 'All iterations together', hidden: true, on: { click: () => choose(null) } });
  const list = list_make({
    label: `Iterations of ${visit.name}`,
    empty: 'No iteration has this status.',
    row: (frame) => ({
      content: [el('span', { class: 'vlist-number', text: `#${frame.index}` }), status_view(frame.status), el('span', { class: 'quiet vlist-end', text: frame.ended ? span_text(seconds_of(frame.ended.timestamp) - seconds_of(frame.started.timestamp)) : '' })],
    }),
    on_open: (frame) => choose(frame),
  });
  const element = el('div', { class: 'iterations' }, words, bar, el('div', { class: 'iterations-grid-around' }, canvas), chips, list.element, all);

  function choose(frame) {
    chosen = frame;
    on_choose(frame);
    drawn = '';
    show(frame);
  }

  function chips_draw() {
    fill(
      chips,
      FILTERS.map(([value, label]) =>
        el('button', {
          type: 'button',
          class: 'chip',
          'aria-pressed': String(value === filter),
          text: label,
          on: {
            click: () => {
              filter = value;
              drawn = '';
              chips_draw();
              chips.querySelector('[aria-pressed="true"]').focus();
              show(chosen);
            },
          },
        }),
      ),
    );
  }

  // Where each square is: by index, in rows.
  function grid_shape(total) {
    const size = total > 400 ? SQUARE : SQUARE_LARGE;
    const width = Math.max(canvas.parentElement?.clientWidth || 300, 120);
    const columns = Math.max(1, Math.floor(width / size));
    return { size, columns, rows: Math.ceil(total / columns) };
  }

  function grid_draw(total) {
    canvas.hidden = total > CANVAS_MOST || total === 0;
    if (canvas.hidden) return;
    const { size, columns, rows } = grid_shape(total);
    const ratio = window.devicePixelRatio || 1;
    canvas.width = columns * size * ratio;
    canvas.height = rows * size * ratio;
    canvas.style.setProperty('width', `${columns * size}px`);
    canvas.style.setProperty('height', `${rows * size}px`);
    const context = canvas.getContext('2d');
    const style = getComputedStyle(element);
    const colours = Object.fromEntries(['good', 'bad', 'active', 'warn', 'quiet', 'none'].map((tone) => [tone, style.getPropertyValue(`--tone-${tone}`).trim() || '#888']));
    context.scale(ratio, ratio);
    for (let index = 0; index < total; index++) {
      const frame = visit.iterations.get(index);
      const status = frame?.status ?? 'pending';
      const [x, y] = [(index % columns) * size, Math.floor(index / columns) * size];
      context.fillStyle = context.strokeStyle = colours[STATUSES[status].tone];
      // What failed is a full square, what goes well a smaller one, what runs an open one: not by colour alone.
      if (status === 'failed' || status === 'timed_out') context.fillRect(x, y, size - 1, size - 1);
      else if (status === 'running') context.strokeRect(x + 1.5, y + 1.5, size - 4, size - 4);
      else if (status === 'pending') context.fillRect(x + size / 2 - 1, y + size / 2 - 1, 2, 2);
      else context.fillRect(x + 1.5, y + 1.5, size - 4, size - 4);
      if (frame && frame === chosen) {
        context.strokeStyle = style.getPropertyValue('--ink').trim() || '#000';
        context.lineWidth = 2;
        context.strokeRect(x, y, size - 1, size - 1);
        context.lineWidth = 1;
      }
    }
  }

  canvas.addEventListener('click', (event) => {
    const total = iteration_counts(visit).total;
    const { size, columns } = grid_shape(total);
    const index = Math.floor(event.offsetY / size) * columns + Math.floor(event.offsetX / size);
    const frame = visit.iterations.get(index);
    if (frame) choose(frame);
  });

  function show(now_chosen = chosen) {
    chosen = now_chosen;
    const counts = iteration_counts(visit);
    const sign = `${ORDER.map((status) => counts[status]).join()}|${filter}|${chosen?.index}|${element.clientWidth}`;
    if (sign === drawn) return;
    drawn = sign;
    words.textContent = `${count_text(counts.total, 'iteration')}: ${ORDER.filter((status) => counts[status]).map((status) => `${counts[status].toLocaleString('en')} ${STATUSES[status].word}`).join(', ')}`;
    fill(
      bar,
      ORDER.filter((status) => counts[status]).map((status) => {
        const part = el('span', { data: { tone: STATUSES[status].tone } });
        part.style.setProperty('flex-grow', String(counts[status]));
        return part;
      }),
    );
    grid_draw(counts.total);
    frames = [...visit.iterations.values()].filter((frame) => !filter || frame.status === filter).sort((a, b) => a.index - b.index);
    list.show(frames);
    list.mark(chosen ? frames.indexOf(chosen) : -1);
    all.hidden = !chosen;
  }

  chips_draw();
  return { element, visit, show, close: list.close };
}
