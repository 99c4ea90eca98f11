// A textarea for code: line numbers, marks at lines, the next line as far in as the last.

import { el, fill } from '../site/dom.js';

// Where a line (from 1) begins and ends in `text`.
export function line_range(text, line) {
  let from = 0;
  for (let at = 1; at < line; at++) {
    const end = text.indexOf('\n', from);
    if (end < 0) break;
    from = end + 1;
  }
  const end = text.indexOf('\n', from);
  return [from, end < 0 ? text.length : end];
}

// The line and column (from 1) of an offset.
export function place_at(text, offset) {
  const before = text.slice(0, offset);
  const last = before.lastIndexOf('\n');
  return { line: before.split('\n').length, column: offset - last };
}

// `on_change()` after every change of the text.
export function code_area_make({ id, label, text, on_change }) {
  const numbers = el('div', { class: 'code-numbers', 'aria-hidden': 'true' });
  const area = el('textarea', {
    class: 'code-area',
    id,
    'aria-label': label,
    wrap: 'off',
    spellcheck: 'false',
    autocomplete: 'off',
    autocapitalize: 'off',
    prop: { value: text },
  });
  const element = el('div', { class: 'code' }, el('div', { class: 'code-gutter' }, numbers), area);
  let lines = 0;
  let marks = new Map(); // line: { kind, words }

  function numbers_draw() {
    const count = area.value.split('\n').length;
    if (count !== lines) {
      lines = count;
      fill(
        numbers,
        Array.from({ length: count }, (_, at) => el('span', { text: String(at + 1) })),
      );
    }
    for (const [at, node] of [...numbers.children].entries()) {
      const mark = marks.get(at + 1);
      if (node.dataset.mark !== (mark?.kind ?? '')) node.dataset.mark = mark?.kind ?? '';
      node.title = mark?.words ?? '';
    }
    scroll_follow();
  }
  const scroll_follow = () => numbers.style.setProperty('translate', `0 ${-area.scrollTop}px`);

  area.addEventListener('scroll', scroll_follow, { passive: true });
  area.addEventListener('input', () => {
    numbers_draw();
    on_change();
  });
  area.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const [from] = line_range(area.value, place_at(area.value, area.selectionStart).line);
    const before = area.value.slice(from, area.selectionStart);
    const indent = /^[ \t]*/.exec(before)[0] + (/[{[]\s*$/.test(before) ? '  ' : '');
    event.preventDefault();
    // The one way that keeps the browser's undo.
    if (!document.execCommand('insertText', false, `\n${indent}`)) area.setRangeText(`\n${indent}`, area.selectionStart, area.selectionEnd, 'end');
  });
  numbers_draw();

  return {
    element,
    area,
    text: () => area.value,
    set(value) {
      area.value = value;
      numbers_draw();
      on_change();
    },
    // `list`: { line, kind, words }; the worst of a line is shown.
    mark(list) {
      marks = new Map();
      for (const { line, kind, words } of list) {
        const before = marks.get(line);
        marks.set(line, { kind: before?.kind === 'error' ? 'error' : kind, words: before ? `${before.words}\n${words}` : words });
      }
      numbers_draw();
    },
    // Puts the cursor at a place and shows it.
    go(line, column = 1) {
      const [from, to] = line_range(area.value, line);
      const at = Math.min(from + Math.max(column, 1) - 1, to);
      area.focus();
      area.setSelectionRange(at, at);
      const height = parseFloat(getComputedStyle(area).lineHeight) || 20;
      area.scrollTop = Math.max(0, (line - 1) * height - area.clientHeight / 3);
    },
  };
}
