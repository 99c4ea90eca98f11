// What is known of one state of an execution: its visits, what went in and out, its tries, its iterations.

import { el, fill } from '../site/dom.js';
import { count_text, page_url, span_text, seconds_of, time_text, type_text } from './format.js';
import { event_details } from './history.js';
import { iterations_make } from './iterations.js';
import { data_view, facts_view, status_view } from './parts.js';

const EVENTS_MOST = 60;

// The iterations that a visit stands in, from the outside: "EachSite 3, EachEpisode 17".
export function frame_words(visit) {
  const words = [];
  for (let frame = visit.frame; frame?.container; frame = frame.parent) if (frame.index !== null) words.unshift(`${frame.container.name} ${frame.index}`);
  return words.join(', ');
}

const attempt_word = (visit) => (visit.attempts > 1 ? count_text(visit.attempts, 'try', 'tries') : null);

// Variables that a state assigned, from the event of its end.
function assigned_view(event) {
  const assigned = event && event_details(event).assignedVariables;
  if (!assigned || !Object.keys(assigned).length) return null;
  const values = Object.fromEntries(
    Object.entries(assigned).map(([name, text]) => {
      try {
        return [name, JSON.parse(text)];
      } catch {
        return [name, text];
      }
    }),
  );
  return data_view('Assigned variables', JSON.stringify(values));
}

// `on_event(event)` shows an event below; `on_iteration(visit, frame)` chooses one (null: all); `data(event)` gives it with its texts.
export function panel_make({ history, on_event, on_iteration, data, now }) {
  const element = el('section', { class: 'panel', 'aria-label': 'State' });
  let name = null;
  let scope = new Map();
  let chosen = null; // a visit chosen by hand; null: the last
  let iterations = null;
  let drawn = ''; // what was drawn last: nothing is drawn anew while nothing changed

  const took = (visit) => {
    const from = seconds_of(visit.entered.timestamp);
    const to = visit.exited ? seconds_of(visit.exited.timestamp) : visit.open ? now() : seconds_of(visit.events.at(-1).timestamp);
    return span_text(to - from);
  };

  function visits_view(visits, visit) {
    if (visits.length < 2) return null;
    const at = visits.indexOf(visit);
    const go = (to) => {
      chosen = visits[to];
      draw(true);
    };
    const where = frame_words(visit);
    return el(
      'div',
      { class: 'visits' },
      el('button', { type: 'button', class: 'tool', 'aria-label': 'The visit before', text: '‹', disabled: at === 0, on: { click: () => go(at - 1) } }),
      el('span', { text: `visit ${at + 1} of ${visits.length.toLocaleString('en')}${where ? ` (${where})` : ''}` }),
      el('button', { type: 'button', class: 'tool', 'aria-label': 'The next visit', text: '›', disabled: at === visits.length - 1, on: { click: () => go(at + 1) } }),
    );
  }

  function events_view(visit) {
    const events = visit.events.slice(-EVENTS_MOST);
    return el(
      'details',
      { class: 'data', open: visit.events.length < 12 },
      el('summary', { text: `Events (${visit.events.length})` }),
      el(
        'ol',
        { class: 'panel-events' },
        events.map((event) =>
          el(
            'li',
            {},
            el('button', { type: 'button', class: 'link', text: `${event.id}. ${type_text(event.type)}`, on: { click: () => on_event(event) } }),
            el('span', { class: 'quiet', text: ` +${span_text(seconds_of(event.timestamp) - seconds_of(visit.entered.timestamp))}` }),
          ),
        ),
      ),
    );
  }

  // Inputs and outputs may have to be fetched: their places are filled when they are there.
  function late(event, key, title) {
    if (!event) return null;
    const details = event_details(event);
    if (details[key] !== undefined) return data_view(title, details[key]);
    const place = el('div');
    data(event).then((whole) => fill(place, data_view(title, event_details(whole)[key])), () => {});
    return place;
  }

  function task_view(visit) {
    const scheduled = visit.events.findLast((event) => /Scheduled$/.test(event.type));
    if (!scheduled) return null;
    const { resourceType, resource, parameters, timeoutInSeconds, heartbeatInSeconds, region } = event_details(scheduled);
    const started = visit.events.findLast((event) => /(Activity|Task|LambdaFunction)Started$/.test(event.type));
    return [
      facts_view([
        ['Resource', resource && el('code', { text: resourceType && resourceType !== resource ? `${resourceType}: ${resource}` : resource })],
        ['Worker', started && event_details(started).workerName],
        ['Region', region],
        ['Time limit', timeoutInSeconds ? span_text(timeoutInSeconds) : null],
        ['Heartbeat', heartbeatInSeconds ? span_text(heartbeatInSeconds) : null],
      ]),
      parameters !== undefined && data_view('Task parameters', parameters, { open: false }),
    ];
  }

  function draw(force = false) {
    const visits = name === null ? [] : history.visits_of(name, scope);
    const visit = visits.includes(chosen) ? chosen : visits.at(-1);
    const sign = [name, visits.length, visit?.status, visit?.events.length, visit?.entered.id, [...scope.values()].map((frame) => frame.index).join()].join('|');
    if (!force && sign === drawn) {
      if (visit?.open) element.querySelector('[data-took]')?.replaceChildren(took(visit));
      iterations?.show();
      return;
    }
    const focus = document.activeElement && element.contains(document.activeElement) ? document.activeElement.getAttribute('aria-label') : null;
    drawn = sign;
    if (name === null) {
      fill(element);
      return;
    }
    if (!visit) {
      iterations?.close();
      iterations = null;
      fill(element, el('h2', { class: 'panel-title', text: name }), status_view('pending'));
      return;
    }
    if (visit.iterations && iterations?.visit !== visit) {
      iterations?.close();
      iterations = iterations_make({ visit, on_choose: (frame) => on_iteration(visit, frame) });
    } else if (!visit.iterations) {
      iterations?.close();
      iterations = null;
    }
    const { error } = visit;
    fill(
      element,
      el('h2', { class: 'panel-title', tabindex: '-1', text: name }),
      el('p', { class: 'panel-status' }, status_view(visit.status), el('span', { class: 'quiet', data: { took: '' }, text: took(visit) }), el('span', { class: 'quiet', text: attempt_word(visit) ?? '' })),
      visits_view(visits, visit),
      error && el('div', { class: 'fault' }, el('p', {}, el('strong', { text: error.error || 'Failed' })), error.cause && el('pre', { tabindex: '0', 'aria-label': 'Cause', text: error.cause })),
      iterations && el('div', { class: 'panel-iterations' }, iterations.element),
      visit.map_run && el('p', {}, el('a', { href: page_url('map-run', { arn: visit.map_run }), text: 'The map run and its executions' })),
      facts_view([
        ['Entered', time_text(visit.entered.timestamp)],
        ['Left', visit.exited && time_text(visit.exited.timestamp)],
      ]),
      task_view(visit),
      late(visit.entered, 'input', 'Input'),
      late(visit.exited, 'output', 'Output'),
      assigned_view(visit.exited),
      events_view(visit),
    );
    iterations?.show(scope.get(name) ?? null);
    if (focus) element.querySelector(`[aria-label="${CSS.escape(focus)}"]`)?.focus();
  }

  return {
    element,
    // The state to show, and the iterations chosen around it.
    show(next, chosen_scope) {
      if (next !== name) chosen = null;
      name = next;
      scope = chosen_scope;
      draw();
    },
    update: () => draw(),
    close: () => iterations?.close(),
  };
}
