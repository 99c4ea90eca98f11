// All state machines.

import { el, fill } from '../site/dom.js';
import { call } from './api.js';
import { ago_text, page_url, seconds_of, time_text } from './format.js';
import { loading_view, service_status, table_view, trouble_view } from './parts.js';

const AT_ONCE = 4;
const COUNT_MOST = 100;
const LOOKED_AT = 40;

// What is cheap to know of a machine: how many run, and how the last one went.
async function look(machine, cells) {
  if (machine.type === 'EXPRESS') {
    fill(cells.running, 'Express');
    return;
  }
  const arn = machine.stateMachineArn;
  const [running, last] = await Promise.all([
    call('ListExecutions', { stateMachineArn: arn, statusFilter: 'RUNNING', maxResults: COUNT_MOST }),
    call('ListExecutions', { stateMachineArn: arn, maxResults: 1 }),
  ]);
  const count = running.executions.length;
  fill(cells.running, running.nextToken ? `${COUNT_MOST}+` : String(count));
  const one = last.executions[0];
  fill(
    cells.last,
    one
      ? el('a', { class: 'quiet-link', href: page_url('execution', { arn: one.executionArn }), title: time_text(one.startDate) }, service_status(one.status), ` ${ago_text(one.startDate)}`)
      : el('span', { class: 'quiet', text: 'never started' }),
  );
}

export async function open(place, _params, app) {
  app.title('State machines');
  const list = el('div', { class: 'machines' }, loading_view());
  const filter = el('input', { class: 'field filter', type: 'search', placeholder: 'Find by name', 'aria-label': 'Find a state machine by name' });
  const machines = [];
  let next = null;

  fill(
    place,
    el(
      'div',
      { class: 'page-head' },
      el('h1', { class: 'page-title', text: 'State machines' }),
      el('div', { class: 'page-actions' }, filter, el('a', { class: 'button', href: 'new', text: 'New' })),
    ),
    list,
  );
  filter.addEventListener('input', draw);

  function draw() {
    const wanted = filter.value.trim().toLowerCase();
    const shown = machines.filter(({ machine }) => machine.name.toLowerCase().includes(wanted));
    fill(
      list,
      shown.length
        ? table_view(
            'State machines',
            [{ title: 'Name' }, { title: 'Running', kind: 'number' }, { title: 'Last execution' }, { title: 'Created', kind: 'time' }],
            shown.map(({ machine, cells }) => [
              el('a', { class: 'strong-link', href: page_url('machine', { arn: machine.stateMachineArn }), text: machine.name }),
              cells.running,
              cells.last,
              el('time', { datetime: new Date(seconds_of(machine.creationDate) * 1000).toISOString(), text: time_text(machine.creationDate) }),
            ]),
          )
        : el('p', { class: 'quiet empty', text: machines.length ? 'No name has that in it.' : 'There are no state machines yet. “New” makes the first.' }),
      next && el('button', { type: 'button', class: 'button button-quiet more', text: 'More', on: { click: load } }),
    );
  }

  async function load() {
    try {
      const answer = await call('ListStateMachines', { maxResults: 100, ...(next ? { nextToken: next } : {}) });
      if (app.gone()) return;
      next = answer.nextToken ?? null;
      const fresh = (answer.stateMachines ?? []).map((machine) => ({ machine, cells: { running: el('span', { text: '' }), last: el('span') } }));
      machines.push(...fresh);
      draw();
      const waiting = fresh.slice(0, LOOKED_AT);
      const work = async () => {
        for (let one = waiting.shift(); one && !app.gone(); one = waiting.shift()) await look(one.machine, one.cells).catch(() => {});
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    } catch (error) {
      fill(list, trouble_view(error, load));
    }
  }
  await load();
}
