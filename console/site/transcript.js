// The whole transcript of an episode, following along.
//
// A five hour episode has some 1,500 passages. Each is one row that the browser lays out only when it comes near
// ("content-visibility: auto" in the style sheet), so the rows far away have guessed heights: a jump to a row is
// therefore measured again for some frames until it has settled. The spoken word is painted with the CSS Custom
// Highlight API, which colours a range of text without touching the elements; where a browser has none, the passage
// alone is marked.

import { el, fill } from './dom.js';
import { marks_nodes } from './marks.js';
import { time_label } from './text.js';

const TOLERANCE_MS = 500; // a link may be this far off the passage's own start
const SLACK_MS = 20; // a seek may land a hair before the time that it was given
const SETTLE_FRAMES = 6;
const RESTING_PLACE = 0.28; // of the height, where the current passage is kept
const WORD_WINDOW = 60; // characters looked ahead for the next spoken word in the text

// The last item whose `key` is not after `value`; -1 before the first. The items are in order.
export function place_find(items, key, value) {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle][key] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

// The passage that a link's time means: one starting within the tolerance, else the one being spoken then.
export function target_find(entries, ms) {
  const at = place_find(entries, 'startTimeMs', ms);
  if (at + 1 < entries.length && entries[at + 1].startTimeMs - ms <= TOLERANCE_MS) return at + 1;
  return Math.max(0, at);
}

// Where each word of a passage lies in its text: the words are looked for one after the other. Words that the text
// does not have (a spelling was corrected) are passed over.
export function words_align(text, words) {
  const spans = [];
  const plain = text.toLowerCase();
  let at = 0;
  for (const word of words) {
    const wanted = word.w.trim().toLowerCase();
    if (!wanted) continue;
    const found = plain.indexOf(wanted, at);
    if (found < 0 || found - at > WORD_WINDOW) continue;
    at = found + wanted.length;
    spans.push({ s: word.s, from: found, to: at });
  }
  return spans;
}

// `on_seek(ms)` is called when a passage is chosen; `on_follow(following)` when following stops or starts.
export function transcript_make({ entries, on_seek, on_follow }) {
  const rows = entries.map((entry, index) => row_make(entry, index));
  const list = el('ol', { class: 'passages' }, rows);
  const element = el('div', { class: 'sheet-scroll', id: 'transcript' }, list);
  const marks = new Map();
  let words = null;
  let aligned = { index: -1, spans: [] };
  let painted = null; // the span that is painted
  let now = 0; // ms, as last told
  let current = -1;
  let tab_stop = -1;
  let following = true;
  let frame = 0;

  function row_make(entry, index) {
    return el(
      'li',
      { class: 'passage', data: { index } },
      el('button', {
        type: 'button',
        class: 'passage-time',
        tabindex: '-1',
        'aria-label': `Play from ${time_label(entry.startTimeMs)}`,
        text: time_label(entry.startTimeMs),
      }),
      el('p', { class: 'passage-text', dir: 'auto', text: entry.text }),
    );
  }

  function follow_set(value) {
    if (following === value) return;
    following = value;
    on_follow(following);
  }

  // One passage is in the tab order: the current one, until the arrows choose another.
  function tab_stop_set(index) {
    rows[tab_stop]?.firstElementChild.setAttribute('tabindex', '-1');
    tab_stop = index;
    rows[tab_stop]?.firstElementChild.setAttribute('tabindex', '0');
  }

  const offset_of = (row) =>
    row.getBoundingClientRect().top - element.getBoundingClientRect().top - element.clientHeight * RESTING_PLACE;

  function bring(index, jump) {
    const row = rows[index];
    if (!row) return;
    cancelAnimationFrame(frame);
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const near = Math.abs(offset_of(row)) < element.clientHeight * 1.5;
    if (!jump && !calm && near) {
      element.scrollBy({ top: offset_of(row), behavior: 'smooth' });
      return;
    }
    const settle = (left) => {
      element.scrollTop += offset_of(row);
      if (left > 0) frame = requestAnimationFrame(() => settle(left - 1));
    };
    settle(SETTLE_FRAMES);
  }

  function current_set(index) {
    if (index === current) return;
    rows[current]?.removeAttribute('aria-current');
    current = index;
    rows[current]?.setAttribute('aria-current', 'true');
    if (!element.contains(document.activeElement)) tab_stop_set(current);
  }

  // The place in the recording has changed.
  function follow(ms, playing) {
    const before = current;
    now = ms + SLACK_MS;
    current_set(place_find(entries, 'startTimeMs', now));
    if (following && playing && current !== before) bring(current, false);
    word_paint(now);
  }

  // Shows a moment: the passage is brought into view and marked as what the link meant.
  function target_set(ms) {
    const index = target_find(entries, ms);
    list.querySelector('.is-target')?.classList.remove('is-target');
    rows[index]?.classList.add('is-target');
    current_set(index);
    follow_set(true);
    bring(index, true);
  }

  function marks_set(by_entry) {
    for (const index of marks.keys()) if (!by_entry.has(index)) fill(rows[index].lastElementChild, entries[index].text);
    marks.clear();
    painted = null; // its text nodes may be replaced below
    for (const [index, ranges] of by_entry) {
      marks.set(index, ranges);
      fill(rows[index].lastElementChild, marks_nodes(entries[index].text, ranges));
    }
    word_paint(now);
  }

  function words_set(list_of_words) {
    words = list_of_words.filter((word) => typeof word?.w === 'string' && Number.isFinite(word.s));
    aligned = { index: -1, spans: [] };
    word_paint(now);
  }

  function word_paint(ms) {
    if (!words || !globalThis.Highlight || !CSS.highlights) return;
    if (aligned.index !== current) {
      const entry = entries[current];
      const next = entries[current + 1]?.startTimeMs ?? Infinity;
      const own = entry ? words.slice(place_find(words, 's', entry.startTimeMs - 1) + 1, place_find(words, 's', next - 1) + 1) : [];
      aligned = { index: current, spans: entry ? words_align(entry.text, own) : [] };
    }
    const span = aligned.spans[place_find(aligned.spans, 's', ms)];
    if (span === painted) return;
    painted = span;
    if (!span) CSS.highlights.delete('spoken');
    else CSS.highlights.set('spoken', new Highlight(text_range(rows[current].lastElementChild, span.from, span.to)));
  }

  element.addEventListener('click', (event) => {
    const row = event.target.closest?.('.passage');
    if (!row || !getSelection().isCollapsed) return; // selecting text to copy it is not choosing a passage
    const index = Number(row.dataset.index);
    tab_stop_set(index);
    follow_set(true);
    on_seek(entries[index].startTimeMs);
  });
  for (const event of ['wheel', 'touchmove']) element.addEventListener(event, () => follow_set(false), { passive: true });
  element.addEventListener('pointerdown', (event) => event.target === element && follow_set(false));
  element.addEventListener('keydown', (event) => {
    if (['PageUp', 'PageDown', 'Home', 'End'].includes(event.key)) follow_set(false);
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    follow_set(false);
    const next = Math.min(rows.length - 1, Math.max(0, tab_stop + (event.key === 'ArrowDown' ? 1 : -1)));
    tab_stop_set(next);
    rows[next]?.firstElementChild.focus({ preventScroll: true });
    rows[next]?.scrollIntoView({ block: 'nearest' });
  });

  return {
    element,
    follow,
    target_set,
    marks_set,
    words_set,
    resume() {
      follow_set(true);
      bring(current, true);
    },
    close() {
      cancelAnimationFrame(frame);
      globalThis.CSS?.highlights?.delete('spoken');
    },
  };
}

// The range of UTF-16 units [from, to) of the text inside `parent`, whatever elements divide it.
export function text_range(parent, from, to) {
  const range = document.createRange();
  const walker = document.createTreeWalker(parent, NodeFilter.SHOW_TEXT);
  let at = 0;
  let started = false;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const end = at + node.length;
    if (!started && from < end) {
      range.setStart(node, from - at);
      started = true;
    }
    if (started && to <= end) {
      range.setEnd(node, to - at);
      break;
    }
    at = end;
  }
  return range;
}
