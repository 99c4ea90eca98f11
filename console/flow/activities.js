// Activities: work that others fetch (GetActivityTask).

import { el, fill } from '../site/dom.js';
import { call } from './api.js';
import { time_text } from './format.js';
import { ask, field_view, form_dialog, loading_view, table_view, toast, trouble_view } from './parts.js';

export async function open(place, _params, app) {
  app.title('Activities');
  const list = el('div', {}, loading_view());
  let rows = [];
  let next = null;

  const make = () => {
    const name = el('input', { class: 'field', id: 'activity-name', maxlength: 80, autocomplete: 'off', spellcheck: 'false' });
    form_dialog(
      {
        title: 'New activity',
        name: 'activity',
        action: 'Create',
        async send() {
          await call('CreateActivity', { name: name.value.trim() });
          toast('The activity is there');
          load();
        },
      },
      field_view('Name', name, 'Letters, digits and - _ .'),
    );
  };
  const remove = (activity) =>
    ask({
      title: 'Delete this activity',
      text: `${activity.name} is deleted. Executions that wait for it fail when its time limit is over.`,
      action: 'Delete',
      async send() {
        await call('DeleteActivity', { activityArn: activity.activityArn });
        load();
      },
    });

  fill(
    place,
    el('div', { class: 'page-head' }, el('h1', { class: 'page-title', text: 'Activities' }), el('div', { class: 'page-actions' }, el('button', { type: 'button', class: 'button', text: 'New', on: { click: make } }))),
    list,
  );

  function draw() {
    fill(
      list,
      rows.length
        ? table_view(
            'Activities',
            [{ title: 'Name' }, { title: 'Created', kind: 'time' }, { title: 'ARN' }, { title: 'Actions', quiet: true }],
            rows.map((one) => [
              el('strong', { text: one.name }),
              time_text(one.creationDate),
              el('code', { class: 'arn', text: one.activityArn }),
              el('button', { type: 'button', class: 'link', text: 'Delete', 'aria-label': `Delete ${one.name}`, on: { click: () => remove(one) } }),
            ]),
          )
        : el('p', { class: 'quiet empty', text: 'There are no activities. A Task whose Resource is an activity waits for a worker that asks for it.' }),
      next && el('button', { type: 'button', class: 'button button-quiet more', text: 'More', on: { click: () => load(true) } }),
    );
  }

  async function load(more = false) {
    try {
      const answer = await call('ListActivities', { maxResults: 100, ...(more && next ? { nextToken: next } : {}) });
      if (app.gone()) return;
      rows = more ? [...rows, ...answer.activities] : answer.activities;
      next = answer.nextToken ?? null;
      draw();
    } catch (error) {
      if (!app.gone()) fill(list, trouble_view(error, () => load(more)));
    }
  }
  await load();
}
