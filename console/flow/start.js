// Starting an execution: a name and the input.

import { el } from '../site/dom.js';
import { call } from './api.js';
import { name_make, page_url } from './format.js';
import { field_view, form_dialog, json_field } from './parts.js';

export function start_open(app, machine_arn, input = '{}') {
  const name = el('input', { class: 'field', id: 'start-name', maxlength: 80, value: name_make(), autocomplete: 'off', spellcheck: 'false' });
  const json = json_field('start-input', input);
  json.area.setAttribute('autofocus', '');
  form_dialog(
    {
      title: 'Start an execution',
      name: 'start',
      action: 'Start',
      async send() {
        const body = { stateMachineArn: machine_arn, input: json.value() };
        if (name.value.trim()) body.name = name.value.trim();
        const answer = await call('StartExecution', body);
        app.go(page_url('execution', { arn: answer.executionArn }));
      },
    },
    field_view('Name', name, 'Another start with this name and input is the same execution.'),
    el('div', { class: 'form-field' }, el('label', { for: 'start-input', text: 'Input' }), json.area, json.note),
  );
}
