// Every event of an execution in a list, and one of them in full.

import { el, fill } from '../site/dom.js';
import { seconds_of, span_text, time_text, type_text } from './format.js';
import { event_details } from './history.js';
import { list_make } from './list.js';
import { data_view, facts_view, trouble_view } from './parts.js';

// `data(event)` gives an event with its texts; `on_state(name)` is told which state was asked for.
export function events_make({ history, data, on_state }) {
  const detail = el('div', { class: 'event-detail', 'aria-live': 'polite' });
  const list = list_make({
    label: 'Events',
    row: (event) => {
      const place = history.places.get(event.id);
      const name = event_details(event).name ?? place?.visit?.name ?? '';
      const after = span_text(seconds_of(event.timestamp) - seconds_of(history.events[0].timestamp));
      const kind = /Failed|TimedOut|Aborted/.test(event.type) ? 'vlist-bad' : '';
      return {
        content: [
          el('span', { class: 'vlist-number', text: String(event.id) }),
          el('span', { class: 'event-type', text: type_text(event.type) }),
          el('span', { class: 'event-state', text: name }),
          el('span', { class: 'quiet vlist-end', text: `+${after}` }),
        ],
        kind,
      };
    },
    on_open: (event) => show(event),
  });

  async function show(event) {
    const name = history.places.get(event.id)?.visit?.name;
    const draw = (whole) =>
      fill(
        detail,
        el('h3', { class: 'part-title', text: `${event.id}. ${type_text(event.type)}` }),
        facts_view([
          ['When', time_text(event.timestamp)],
          ['Follows', event.previousEventId ? `event ${event.previousEventId}` : 'the start'],
          ['State', name && el('button', { type: 'button', class: 'link', text: name, on: { click: () => on_state(name) } })],
        ]),
        Object.keys(event_details(whole)).length ? data_view('Details', JSON.stringify(details_open(event_details(whole)))) : null,
      );
    draw(event);
    try {
      const whole = await data(event);
      if (whole !== event) draw(whole);
    } catch (error) {
      detail.append(trouble_view(error));
    }
  }

  return {
    element: el('div', { class: 'events' }, list.element, detail),
    update: () => list.show(history.events),
    show(event) {
      list.choose(history.places.get(event.id).at);
      show(event);
      list.element.scrollIntoView({ block: 'nearest' });
    },
    close: list.close,
  };
}

// Details with the JSON inside their texts opened, so that they can be read.
function details_open(details) {
  const open = {};
  for (const [key, value] of Object.entries(details)) {
    open[key] = value;
    if (!['input', 'output', 'parameters'].includes(key) || typeof value !== 'string') continue;
    try {
      open[key] = JSON.parse(value);
    } catch {
      // a text that is none stays one
    }
  }
  return open;
}
