// A long list of which only the visible rows exist: 25,000 events, 100,000 iterations.

import { el } from '../site/dom.js';

const ROW = 36;
const SPARE = 8;

// `row(item, index)` gives a row's content (nodes) and class: { content, kind }. `on_open(item, index)` is called for Enter
// and a press. The list is a listbox: arrows, Page Up and Down, Home and End move through it.
export function list_make({ label, row, on_open, empty = 'Nothing here.' }) {
  const id = `list-${label.toLowerCase().replace(/\W+/g, '-')}`;
  const rows = el('div', { class: 'vlist-rows' });
  const box = el('div', { class: 'vlist', role: 'listbox', tabindex: '0', 'aria-label': label, id });
  box.append(rows);
  const nothing = el('p', { class: 'vlist-empty quiet', text: empty, hidden: true });
  const element = el('div', { class: 'vlist-around' }, box, nothing);
  let items = [];
  let at = -1;
  let chosen = -1;
  let shown = [0, -1];
  let asked = false;

  function make(index) {
    const { content, kind = '' } = row(items[index], index);
    const node = el(
      'div',
      {
        class: `vlist-row ${kind}`,
        role: 'option',
        id: `${id}-${index}`,
        'aria-selected': String(index === chosen),
        'aria-setsize': items.length,
        'aria-posinset': index + 1,
        data: index === at ? { at: '' } : {},
        on: { click: () => (move(index, false), open()) },
      },
      content.flatMap((part) => [part, ' ']), // read out as one line
    );
    node.style.setProperty('--top', `${index * ROW}px`);
    return node;
  }

  function draw() {
    asked = false;
    const first = Math.max(0, Math.floor(box.scrollTop / ROW) - SPARE);
    const last = Math.min(items.length - 1, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + SPARE);
    shown = [first, last];
    const nodes = [];
    for (let index = first; index <= last; index++) nodes.push(make(index));
    rows.style.setProperty('--height', `${items.length * ROW}px`);
    rows.replaceChildren(...nodes);
    if (at >= first && at <= last) box.setAttribute('aria-activedescendant', `${id}-${at}`);
    else box.removeAttribute('aria-activedescendant');
  }

  function redraw() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  }

  function move(to, scroll = true) {
    at = Math.min(items.length - 1, Math.max(0, to));
    if (scroll) {
      const top = at * ROW;
      if (top < box.scrollTop) box.scrollTop = top;
      else if (top + ROW > box.scrollTop + box.clientHeight) box.scrollTop = top + ROW - box.clientHeight;
    }
    draw();
  }

  function open() {
    if (at < 0) return;
    chosen = at;
    draw();
    on_open?.(items[at], at);
  }

  box.addEventListener('scroll', () => {
    const first = Math.floor(box.scrollTop / ROW);
    const last = Math.ceil((box.scrollTop + box.clientHeight) / ROW);
    if (first < shown[0] || last > shown[1]) redraw();
  });
  box.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(box.clientHeight / ROW) - 1);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) move(to);
    else if (event.key === 'Enter' || event.key === ' ') open();
    else return;
    event.preventDefault();
  });
  const watcher = new ResizeObserver(redraw);
  watcher.observe(box);

  return {
    element,
    // Shows `list` (kept, not copied); the place stays.
    show(list) {
      items = list;
      at = Math.min(at, items.length - 1);
      nothing.hidden = items.length > 0;
      box.hidden = !items.length;
      redraw();
    },
    choose(index) {
      chosen = index;
      if (index >= 0) move(index);
      else redraw();
    },
    // Marks a row as the chosen one and leaves the place.
    mark(index) {
      chosen = index;
      redraw();
    },
    close: () => watcher.disconnect(),
  };
}
