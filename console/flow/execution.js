// One execution: its graph, whose states change as they run, what is known of each, and every event.

import { el, fill } from '../site/dom.js';
import { call } from './api.js';
import { events_make } from './events.js';
import { history_follow } from './follow.js';
import { arn_name, execution_name, machine_of, page_url, seconds_of, span_text, status_of, time_text } from './format.js';
import { graph_make } from './graph.js';
import { History, iteration_counts } from './history.js';
import { ask, data_view, facts_view, loading_view, status_view, table_view, toast, trouble_view } from './parts.js';
import { start_open } from './start.js';
import { panel_make } from './state_panel.js';

const DRAW_APART_MS = 500;
const ENDED = ['succeeded', 'failed', 'timed_out', 'aborted'];

async function load(arn) {
  const told = await call('DescribeExecution', { executionArn: arn });
  const machine = await call('DescribeStateMachineForExecution', { executionArn: arn });
  const layout = await call('DrawDefinition', { definition: machine.definition }).catch(() => null);
  return { told, machine, layout };
}

// The buttons: which of them make sense depends on the status.
function actions_make({ app, arn, told, on_change }) {
  const stop = el('button', {
    type: 'button',
    class: 'button button-quiet',
    text: 'Stop',
    on: {
      click: () =>
        ask({
          title: 'Stop this execution',
          text: 'Running tasks are cancelled. What was done stays done.',
          action: 'Stop',
          async send() {
            await call('StopExecution', { executionArn: arn, error: 'Stopped', cause: 'stopped in the console' });
            on_change('The execution is being stopped');
          },
        }),
    },
  });
  const redrive = el('button', {
    type: 'button',
    class: 'button',
    text: 'Retry from the failed state',
    on: {
      async click() {
        redrive.disabled = true;
        try {
          await call('RedriveExecution', { executionArn: arn });
          on_change('The execution goes on from the state that failed');
        } catch (error) {
          toast(error.message);
        }
        redrive.disabled = false;
      },
    },
  });
  const again = el('button', {
    type: 'button',
    class: 'button button-quiet',
    text: 'Start again',
    title: 'A new execution with the same input',
    on: { click: () => start_open(app, told.stateMachineArn ?? machine_of(arn), JSON.stringify(JSON.parse(told.input ?? '{}'), null, 2)) },
  });
  return {
    element: el('div', { class: 'page-actions' }, redrive, stop, again),
    show(status, redrivable) {
      stop.hidden = status !== 'running';
      redrive.hidden = !redrivable || !['failed', 'aborted', 'timed_out'].includes(status);
    },
  };
}

function facts_of(told, machine) {
  return el(
    'div',
    { class: 'execution-facts' },
    facts_view([
      ['Started', time_text(told.startDate)],
      ['Ended', told.stopDate && time_text(told.stopDate)],
      ['Retried from a failure', told.redriveCount ? String(told.redriveCount) : null],
      ['State machine', el('a', { href: page_url('machine', { arn: told.stateMachineArn ?? machine_of(told.executionArn) }), text: machine?.name ?? arn_name(told.stateMachineArn) })],
      ['Version', told.stateMachineVersionArn && arn_name(told.stateMachineVersionArn)],
      ['ARN', el('code', { class: 'arn', text: told.executionArn })],
    ]),
    (told.error || told.cause) && el('div', { class: 'fault' }, el('p', {}, el('strong', { text: told.error || 'Failed' })), told.cause && el('pre', { tabindex: '0', 'aria-label': 'Cause', text: told.cause })),
    data_view('Input', told.input),
    data_view('Output', told.output),
  );
}

async function map_runs_fill(place, arn, gone) {
  const answer = await call('ListMapRuns', { executionArn: arn, maxResults: 100 });
  if (gone() || !answer.mapRuns?.length) return;
  fill(
    place,
    el('h2', { class: 'part-title', text: 'Map runs' }),
    table_view(
      'Map runs',
      [{ title: 'Map run' }, { title: 'Started', kind: 'time' }, { title: 'Took', kind: 'number' }],
      answer.mapRuns.map((run) => [
        el('a', { class: 'strong-link', href: page_url('map-run', { arn: run.mapRunArn }), text: execution_name(run.mapRunArn) || arn_name(run.mapRunArn) }),
        time_text(run.startDate),
        run.stopDate ? span_text(seconds_of(run.stopDate) - seconds_of(run.startDate)) : 'running',
      ]),
    ),
  );
}

// What a state's box shows: its status, and a few words of how often or how far.
function state_summary(history, name, scope) {
  const one = history.summary(name, scope);
  const visit = history.visits_of(name, scope).at(-1);
  if (visit?.iterations && !one.many) {
    const counts = iteration_counts(visit);
    one.words = `${(counts.succeeded + counts.failed + counts.aborted).toLocaleString('en')} / ${counts.total.toLocaleString('en')}`;
  } else if (one.many && one.counts.failed) one.words = `×${one.count}, ${one.counts.failed} failed`;
  else if (visit?.attempts > 1 && !one.many) one.words = `try ${visit.attempts}`;
  return one;
}

// True if a transition was made; between two states with several, by how the first one ended.
function edge_taken(history, scope, from, to, { kind }) {
  if (kind === 'start') return history.visits.length > 0;
  const visits = history.visits_of(from, scope);
  if (to === 'End') return history.status === 'succeeded' && visits.at(-1)?.status === 'succeeded';
  if (!history.taken.has(`${from}\n${to}`)) return false;
  return visits.some((visit) => visit.status === (kind === 'catch' ? 'caught' : 'succeeded'));
}

export async function open(place, params, app) {
  const arn = params.get('arn') ?? '';
  const name = execution_name(arn);
  app.title(name);
  fill(place, loading_view());
  let loaded;
  try {
    loaded = await load(arn);
  } catch (error) {
    if (!app.gone()) fill(place, el('h1', { class: 'page-title', text: name }), trouble_view(error, () => open(place, params, app)));
    return null;
  }
  if (app.gone()) return null;
  return execution_view(place, params, app, arn, loaded);
}

function execution_view(place, params, app, arn, { told: first_told, machine, layout }) {
  let told = first_told;
  let selected = null;
  const scope = new Map(); // Map state: the iteration chosen in it
  const history = new History();
  const now = () => Date.now() / 1000;
  const express = /:express:/.test(arn);

  const status_place = el('span', { class: 'execution-status', 'aria-live': 'polite' });
  const took_place = el('span', { class: 'quiet' });
  const side = el('div', { class: 'side-facts' });
  const trouble = el('div');
  const runs_place = el('section', { class: 'part', 'aria-label': 'Map runs' });
  const scope_place = el('div', { class: 'scope' });
  const actions = actions_make({ app, arn, told, on_change: changed });
  const graph = layout && graph_make({ label: `Graph of ${machine.name}`, on_select: (name) => choose(name, false) });
  const events = events_make({ history, data: (event) => follow.event_data(event), on_state: (name) => choose(name, true) });
  const panel = panel_make({ history, on_event: (event) => events.show(event), on_iteration: choose_iteration, data: (event) => follow.event_data(event), now });

  fill(
    place,
    el('p', { class: 'crumbs' }, el('a', { href: 'machines', text: 'State machines' }), ' / ', el('a', { href: page_url('machine', { arn: told.stateMachineArn ?? machine_of(arn) }), text: machine.name ?? arn_name(machine_of(arn)) })),
    el('div', { class: 'page-head' }, el('div', {}, el('h1', { class: 'page-title code-name', text: told.name ?? execution_name(arn) }), el('p', { class: 'execution-line' }, status_place, took_place)), actions.element),
    trouble,
    el(
      'div',
      { class: 'split split-execution' },
      el('section', { class: 'split-main', 'aria-label': 'Graph' }, scope_place, graph ? graph.element : el('p', { class: 'notice', text: 'This state machine cannot be drawn.' })),
      el('div', { class: 'split-side' }, panel.element, side),
    ),
    runs_place,
    !express && el('section', { class: 'part', 'aria-labelledby': 'events-title' }, el('h2', { class: 'part-title', id: 'events-title', text: 'Events' }), events.element),
  );
  if (graph) graph.draw(layout);

  // What the panel's side shows: the execution as a whole while no state is chosen.
  function side_draw() {
    side.hidden = selected !== null;
    if (selected === null) fill(side, facts_of(told, machine));
  }

  function choose(name, in_graph) {
    selected = name;
    app.note({ state: name });
    if (in_graph) graph?.select(name);
    panel.show(name, scope_for(name));
    side_draw();
    if (name !== null && matchMedia('(max-width: 52rem)').matches) panel.element.scrollIntoView({ block: 'nearest' });
  }

  // Only the choices in Maps around the state (or the Map itself) bear on it.
  function scope_for(name) {
    if (name === null || !graph) return scope;
    const around = new Set([...graph.maps_around(name), name]);
    return new Map([...scope].filter(([map]) => around.has(map)));
  }

  function choose_iteration(visit, frame) {
    if (frame) scope.set(visit.name, frame);
    else scope.delete(visit.name);
    // What was chosen inside another iteration of it no longer holds.
    for (const [map, one] of scope) {
      for (let outer = one.parent; outer?.container; outer = outer.parent) if (scope.has(outer.container.name) && scope.get(outer.container.name) !== outer) scope.delete(map);
    }
    draw();
    panel.show(selected, scope_for(selected));
  }

  function scope_draw() {
    fill(
      scope_place,
      [...scope].map(([map, frame]) =>
        el(
          'p',
          { class: 'scope-note' },
          el('strong', { text: `${map}: iteration ${frame.index}` }),
          status_view(frame.status),
          el('button', { type: 'button', class: 'link', text: 'show all', on: { click: () => choose_iteration(frame.container, null) } }),
        ),
      ),
    );
  }

  function graph_draw() {
    if (!graph) return;
    graph.status(new Map(graph.names().map((name) => [name, state_summary(history, name, scope)])), (from, to, edge) => edge_taken(history, scope, from, to, edge));
    scope_draw();
  }

  function head_draw() {
    const status = history.events.length ? history.status : status_of(told.status);
    const was = status_place.dataset.status;
    if (was !== status) {
      fill(status_place, status_view(status));
      status_place.dataset.status = status;
    }
    const end = told.stopDate ?? history.ended?.timestamp;
    took_place.textContent = span_text((end && status !== 'running' ? seconds_of(end) : now()) - seconds_of(told.startDate));
    actions.show(status, told.redriveStatus ? told.redriveStatus === 'REDRIVABLE' : true);
  }

  function draw() {
    graph_draw();
    head_draw();
    panel.update();
    events.update();
  }

  async function describe() {
    try {
      told = await call('DescribeExecution', { executionArn: arn });
      if (app.gone()) return;
      head_draw();
      side_draw();
    } catch {
      // the history said that it ended; the facts follow when the page is opened again
    }
  }

  function changed(words) {
    toast(words);
    history.ended = null;
    follow.nudge();
    describe();
  }

  let drawn_at = 0;
  let runs_known = -1;
  let was_ended = false;
  const follow = express
    ? { stop() {}, nudge() {}, event_data: async (event) => event }
    : history_follow({
        call,
        arn,
        history,
        on_trouble: (error) => !app.gone() && fill(trouble, error && trouble_view(error)),
        on_events(fresh, done) {
          if (app.gone()) return;
          // While a long history comes in, not every portion is worth a drawing.
          if (!done && performance.now() - drawn_at < DRAW_APART_MS) return;
          draw();
          drawn_at = performance.now();
          const runs = history.events.length ? history.visits.filter((visit) => visit.map_run).length : runs_known;
          if (runs > 0 && runs !== runs_known) map_runs_fill(runs_place, arn, app.gone).catch(() => {});
          runs_known = runs;
          if (history.ended && !was_ended) describe();
          was_ended = Boolean(history.ended);
          if (history.events.length) wanted_state();
        },
      });

  // The state that the address names, once it is known.
  let asked = params.get('state');
  function wanted_state() {
    if (!asked || !graph?.names().includes(asked)) return;
    choose(asked, true);
    asked = null;
  }

  const ticking = setInterval(() => {
    if (document.hidden || ENDED.includes(history.status)) return;
    head_draw();
    panel.update();
  }, 1000);
  side_draw();
  head_draw();
  wanted_state();
  return () => {
    clearInterval(ticking);
    follow.stop();
    graph?.close();
    events.close();
    panel.close();
  };
}
