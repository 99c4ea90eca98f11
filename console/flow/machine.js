// One state machine: its graph, its executions, its definition, its versions.

import { el, fill } from '../site/dom.js';
import { call } from './api.js';
import { executions_make } from './executions.js';
import { arn_name, page_url, time_text } from './format.js';
import { graph_make } from './graph.js';
import { ask, data_view, facts_view, loading_view, table_view, toast, trouble_view } from './parts.js';
import { start_open } from './start.js';

// What the definition says of one state.
export function state_source(definition, name) {
  const seen = [definition];
  while (seen.length) {
    const list = seen.pop();
    const states = list?.States ?? {};
    if (Object.hasOwn(states, name)) return states[name];
    for (const state of Object.values(states)) seen.push(...(state.Branches ?? []), state.ItemProcessor, state.Iterator);
  }
  return null;
}

function versions_view(arn, gone) {
  const place = el('div', {}, loading_view());
  (async () => {
    try {
      const [versions, aliases] = await Promise.all([
        call('ListStateMachineVersions', { stateMachineArn: arn, maxResults: 100 }),
        call('ListStateMachineAliases', { stateMachineArn: arn, maxResults: 100 }),
      ]);
      if (gone()) return;
      const rows = [
        ...(aliases.stateMachineAliases ?? []).map((one) => [arn_name(one.stateMachineAliasArn).split(':').pop(), 'alias', time_text(one.creationDate)]),
        ...(versions.stateMachineVersions ?? []).map((one) => [arn_name(one.stateMachineVersionArn).split(':').pop(), 'version', time_text(one.creationDate)]),
      ];
      fill(place, rows.length ? table_view('Versions and aliases', [{ title: 'Name' }, { title: 'Kind' }, { title: 'Made', kind: 'time' }], rows) : el('p', { class: 'quiet empty', text: 'No version was published.' }));
    } catch (error) {
      if (!gone()) fill(place, trouble_view(error));
    }
  })();
  return place;
}

export async function open(place, params, app) {
  const arn = params.get('arn') ?? '';
  app.title(arn_name(arn));
  fill(place, loading_view());
  let machine;
  let layout = null;
  let undrawn = null;
  try {
    machine = await call('DescribeStateMachine', { stateMachineArn: arn });
    layout = await call('DrawDefinition', { definition: machine.definition }).catch((error) => {
      undrawn = error;
      return null;
    });
  } catch (error) {
    if (!app.gone()) fill(place, el('h1', { class: 'page-title', text: arn_name(arn) }), trouble_view(error, () => open(place, params, app)));
    return null;
  }
  if (app.gone()) return null;
  app.title(machine.name);

  const definition = JSON.parse(machine.definition);
  const state = el('div', { class: 'machine-state' });
  const graph = graph_make({
    label: `Graph of ${machine.name}`,
    on_select(name) {
      const source = name === null ? null : state_source(definition, name);
      fill(state, source && el('h2', { class: 'part-title', text: name }), source && data_view('Definition', JSON.stringify(source)));
    },
  });
  const express = machine.type === 'EXPRESS';
  const executions = express ? null : executions_make({ of: { stateMachineArn: arn }, status: params.get('status') ?? '', note: (status) => app.note({ status }), gone: app.gone });

  const remove = () =>
    ask({
      title: 'Delete this state machine',
      text: `${machine.name} is deleted once its running executions have ended. This cannot be taken back.`,
      action: 'Delete',
      async send() {
        await call('DeleteStateMachine', { stateMachineArn: arn });
        toast(`${machine.name} is being deleted`);
        app.go('machines');
      },
    });

  fill(
    place,
    el('p', { class: 'crumbs' }, el('a', { href: 'machines', text: 'State machines' })),
    el(
      'div',
      { class: 'page-head' },
      el('h1', { class: 'page-title', text: machine.name }),
      el(
        'div',
        { class: 'page-actions' },
        el('button', { type: 'button', class: 'button', text: 'Start', on: { click: () => start_open(app, arn) } }),
        el('a', { class: 'button button-quiet', href: page_url('edit', { arn }), text: 'Edit' }),
        el('button', { type: 'button', class: 'button button-quiet', text: 'Delete', on: { click: remove } }),
      ),
    ),
    definition.Comment && el('p', { class: 'lead', text: definition.Comment }),
    el(
      'div',
      { class: 'split' },
      el('section', { class: 'split-main', 'aria-label': 'Graph' }, layout ? graph.element : trouble_view(undrawn)),
      el(
        'section',
        { class: 'split-side', 'aria-label': 'Facts' },
        facts_view([
          ['Type', machine.type === 'EXPRESS' ? 'Express' : 'Standard'],
          ['Status', machine.status && machine.status !== 'ACTIVE' ? machine.status.toLowerCase() : 'active'],
          ['Created', time_text(machine.creationDate)],
          ['Revision', machine.revisionId],
          ['ARN', el('code', { class: 'arn', text: arn })],
        ]),
        state,
      ),
    ),
    el('section', { class: 'part', 'aria-labelledby': 'executions-title' }, el('h2', { class: 'part-title', id: 'executions-title', text: 'Executions' }), executions?.element ?? el('p', { class: 'quiet empty', text: 'Executions of an Express machine are not kept.' })),
    el('section', { class: 'part', 'aria-labelledby': 'versions-title' }, el('h2', { class: 'part-title', id: 'versions-title', text: 'Versions and aliases' }), versions_view(arn, app.gone)),
    el('section', { class: 'part', 'aria-label': 'Definition' }, data_view('Definition', machine.definition, { open: false })),
  );
  if (layout) graph.draw(layout);
  return () => graph.close();
}
