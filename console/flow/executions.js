// A table of executions with a filter by status: of a state machine, or of a map run.

import { el, fill } from '../site/dom.js';
import { call } from './api.js';
import { ago_text, execution_name, page_url, seconds_of, span_text, time_text } from './format.js';
import { loading_view, service_status, table_view, trouble_view } from './parts.js';

const FILTERS = [
  ['', 'All'],
  ['RUNNING', 'Running'],
  ['SUCCEEDED', 'Succeeded'],
  ['FAILED', 'Failed'],
  ['TIMED_OUT', 'Timed out'],
  ['ABORTED', 'Stopped'],
];
const PAGE = 50;

// `of`: { stateMachineArn } or { mapRunArn }. `note(status)` keeps the filter in the address.
export function executions_make({ of, status = '', note, gone }) {
  let filter = FILTERS.some(([value]) => value === status) ? status : '';
  let rows = [];
  let next = null;
  let turn = 0;
  const list = el('div', { class: 'executions-list' }, loading_view());
  const chips = el('ul', { class: 'chips', 'aria-label': 'By status' });
  const element = el('div', { class: 'executions' }, chips, list);

  function chips_draw() {
    fill(
      chips,
      FILTERS.map(([value, words]) =>
        el(
          'li',
          {},
          el('button', {
            type: 'button',
            class: 'chip',
            'aria-pressed': String(value === filter),
            text: words,
            data: { value },
            on: {
              click: () => {
                filter = value;
                note?.(value);
                chips_draw();
                chips.querySelector('[aria-pressed="true"]').focus();
                load();
              },
            },
          }),
        ),
      ),
    );
  }

  function draw() {
    if (!rows.length) {
      fill(list, el('p', { class: 'quiet empty', text: filter ? 'No execution has this status.' : 'There are no executions yet.' }));
      return;
    }
    fill(
      list,
      table_view(
        'Executions',
        [{ title: 'Name' }, { title: 'Status' }, { title: 'Started', kind: 'time' }, { title: 'Took', kind: 'number' }],
        rows.map((one) => [
          el('a', { class: 'strong-link code-name', href: page_url('execution', { arn: one.executionArn }), text: one.name ?? execution_name(one.executionArn) }),
          service_status(one.status),
          el('time', { title: time_text(one.startDate), datetime: new Date(seconds_of(one.startDate) * 1000).toISOString(), text: ago_text(one.startDate) }),
          one.stopDate ? span_text(seconds_of(one.stopDate) - seconds_of(one.startDate)) : el('span', { class: 'quiet', text: '…' }),
        ]),
      ),
      next && el('button', { type: 'button', class: 'button button-quiet more', text: 'More', on: { click: () => load(true) } }),
    );
  }

  async function load(more = false) {
    const mine = ++turn;
    try {
      const answer = await call('ListExecutions', { ...of, maxResults: PAGE, ...(filter ? { statusFilter: filter } : {}), ...(more && next ? { nextToken: next } : {}) });
      if (mine !== turn || gone()) return;
      rows = more ? [...rows, ...answer.executions] : answer.executions;
      next = answer.nextToken ?? null;
      draw();
    } catch (error) {
      if (mine === turn && !gone()) fill(list, trouble_view(error, () => load(more)));
    }
  }

  chips_draw();
  load();
  return { element, reload: () => load() };
}
