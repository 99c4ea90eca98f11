// Small pieces that several pages are made of.

import { el, fill } from '../site/dom.js';
import { dialog_make, dialog_show } from '../site/dialog.js';
import { STATUSES, json_pretty, status_of } from './format.js';
import { svg } from './graph.js';

// A status with its mark and word; the colour only says it again.
export function status_view(status) {
  const known = STATUSES[status] ?? STATUSES.pending;
  return el(
    'span',
    { class: 'status', data: { tone: known.tone, status } },
    svg('svg', { viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true', class: 'status-mark' }, svg('path', { d: known.mark })),
    el('span', { text: known.word }),
  );
}
export const service_status = (status) => status_view(status_of(status));

// Facts as a list of terms; those without a value are left out.
export function facts_view(rows) {
  return el(
    'dl',
    { class: 'facts' },
    rows
      .filter(([, value]) => value !== null && value !== undefined && value !== '')
      .map(([term, value]) => el('div', {}, el('dt', { text: term }), el('dd', {}, value))),
  );
}

// JSON (or text) in a box with a button that copies it. Nothing for undefined.
export function data_view(title, text, { open = true } = {}) {
  if (text === undefined || text === null) return null;
  const shown = json_pretty(text);
  return el(
    'details',
    { class: 'data', open },
    el('summary', { text: title }),
    el(
      'div',
      { class: 'data-box' },
      el('pre', { tabindex: '0', 'aria-label': title, text: shown }),
      el('button', { type: 'button', class: 'tool tool-word data-copy', text: 'Copy', 'aria-label': `Copy ${title.toLowerCase()}`, on: { click: (event) => copy(shown, event.currentTarget) } }),
    ),
  );
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'Not allowed';
  }
}

// A failed request in words, with a way to try again.
export function trouble_view(error, retry) {
  return el(
    'div',
    { class: 'notice', role: 'alert' },
    el('p', {}, el('strong', { text: error.type ? `${error.type}: ` : '' }), error.message),
    retry && el('button', { type: 'button', class: 'button button-quiet', text: 'Try again', on: { click: retry } }),
  );
}

export const loading_view = (words = 'Loading') => el('p', { class: 'quiet loading', text: `${words} …` });

let toast_timer = null;
export function toast(words) {
  const place = document.getElementById('toast');
  place.textContent = words;
  clearTimeout(toast_timer);
  toast_timer = setTimeout(() => (place.textContent = ''), 5000);
}

// A table from rows of cells; `columns` are { title, kind, quiet }; a quiet one's title is only read out.
export function table_view(label, columns, rows) {
  return el(
    'div',
    { class: 'table-around', role: 'group', 'aria-label': label, tabindex: '0' },
    el(
      'table',
      { class: 'table' },
      el('thead', {}, el('tr', {}, columns.map(({ title, kind, quiet }) => el('th', { scope: 'col', class: kind }, quiet ? el('span', { class: 'visually-hidden', text: title }) : title)))),
      el(
        'tbody',
        {},
        rows.map((cells) => el('tr', {}, cells.map((cell, at) => el('td', { class: columns[at].kind, data: { title: columns[at].quiet ? '' : columns[at].title } }, cell)))),
      ),
    ),
  );
}

// A labelled control of a form.
export function field_view(label, control, hint) {
  const id = control.id || `f-${label.toLowerCase().replace(/\W+/g, '-')}`;
  control.id = id;
  const note = hint && el('span', { class: 'quiet field-hint', id: `${id}-hint`, text: hint });
  if (note) control.setAttribute('aria-describedby', note.id);
  return el('div', { class: 'form-field' }, el('label', { for: id, text: label }), control, note);
}

// A form in a drawer. `send(form)` carries it out; what it throws is shown there.
export function form_dialog({ title, name, send, action, danger = false }, ...fields) {
  const trouble = el('div', { class: 'form-trouble', role: 'alert' });
  const button = el('button', { type: 'submit', class: `button${danger ? ' button-danger' : ''}`, text: action });
  const form = el(
    'form',
    { class: 'dialog-form', novalidate: true },
    el('div', { class: 'dialog-body' }, fields, trouble),
    el('div', { class: 'dialog-foot' }, el('button', { type: 'button', class: 'button button-quiet', text: 'Cancel', on: { click: () => dialog.close() } }), button),
  );
  const dialog = dialog_make({ name, title, kind: 'form' }, form);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    fill(trouble);
    try {
      await send(form);
      dialog.close();
    } catch (error) {
      fill(trouble, el('p', {}, error.message));
    }
    button.disabled = false;
  });
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  dialog_show(dialog);
  (form.querySelector('[autofocus]') ?? form.querySelector('input, textarea, select'))?.focus();
  return dialog;
}

// Asks before what cannot be taken back.
export const ask = ({ title, text, action, send }) => form_dialog({ title, name: 'ask', action, danger: true, send }, el('p', { class: 'ask', text }));

// JSON in a textarea, checked while it is typed. `value()` throws what is wrong.
export function json_field(id, text, rows = 12) {
  const area = el('textarea', { class: 'field code-field', id, rows, spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', prop: { value: text } });
  const note = el('p', { class: 'quiet field-hint', id: `${id}-note`, role: 'status' });
  area.setAttribute('aria-describedby', note.id);
  const check = () => {
    try {
      JSON.parse(area.value || '{}');
      note.textContent = 'This is JSON.';
      area.setAttribute('aria-invalid', 'false');
      return null;
    } catch (error) {
      note.textContent = error.message;
      area.setAttribute('aria-invalid', 'true');
      return error;
    }
  };
  area.addEventListener('input', check);
  check();
  return {
    area,
    note,
    value() {
      const wrong = check();
      if (wrong) throw new Error(`The input is not JSON: ${wrong.message}`);
      return area.value || '{}';
    },
  };
}
