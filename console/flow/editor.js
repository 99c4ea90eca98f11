// The editor of a definition: checked and drawn while it is typed.

import { el, fill } from '../site/dom.js';
import { call } from './api.js';
import { code_area_make, line_range } from './code_area.js';
import { arn_name, count_text, page_url } from './format.js';
import { graph_make } from './graph.js';
import { facts_view, field_view, loading_view, toast, trouble_view } from './parts.js';

const PAUSE_MS = 400;
const ROLE = 'arn:aws:iam::000000000000:role/console';
const FIRST = `{
  "Comment": "What this does",
  "StartAt": "First",
  "States": {
    "First": {
      "Type": "Pass",
      "End": true
    }
  }
}
`;

// Where a state's own text begins: the line of its name as a key.
export function state_line(text, name) {
  const key = `${JSON.stringify(name)}`;
  for (let at = text.indexOf(key); at >= 0; at = text.indexOf(key, at + 1)) {
    if (/^\s*:\s*\{/.test(text.slice(at + key.length))) return text.slice(0, at).split('\n').length;
  }
  return null;
}

export async function open(place, params, app) {
  const arn = app.page === 'edit' ? params.get('arn') : null;
  app.title(arn ? `Edit ${arn_name(arn)}` : 'New state machine');
  let machine = null;
  if (arn) {
    fill(place, loading_view());
    try {
      machine = await call('DescribeStateMachine', { stateMachineArn: arn });
    } catch (error) {
      if (!app.gone()) fill(place, trouble_view(error, () => open(place, params, app)));
      return null;
    }
    if (app.gone()) return null;
  }
  return editor_view(place, app, machine);
}

function editor_view(place, app, machine) {
  let saved = machine?.definition ?? FIRST;
  let timer = null;
  let turn = 0;
  let problems = [];
  let at_problem = -1;

  const name = el('input', { class: 'field', id: 'machine-name', maxlength: 80, autocomplete: 'off', spellcheck: 'false', value: machine?.name ?? '' });
  const type = el('select', { class: 'field', id: 'machine-type' }, el('option', { value: 'STANDARD', text: 'Standard' }), el('option', { value: 'EXPRESS', text: 'Express' }));
  const verdict = el('p', { class: 'verdict', role: 'status' });
  const list = el('ol', { class: 'problems', 'aria-label': 'Problems' });
  const stale = el('p', { class: 'quiet stale', hidden: true, text: 'The last drawing that could be made.' });
  const trouble = el('div');
  const save = el('button', { type: 'button', class: 'button', text: machine ? 'Save' : 'Create', title: 'Ctrl+S', on: { click: store } });
  const graph = graph_make({
    label: 'Graph of this definition',
    on_select(state) {
      const line = state && state_line(code.text(), state);
      if (line) code.go(line, line_range(code.text(), line)[1]);
    },
  });
  const code = code_area_make({ id: 'definition', label: 'Definition', text: saved, on_change: plan });

  fill(
    place,
    el('p', { class: 'crumbs' }, el('a', { href: 'machines', text: 'State machines' }), machine && ' / ', machine && el('a', { href: page_url('machine', { arn: machine.stateMachineArn }), text: machine.name })),
    el('div', { class: 'page-head' }, el('h1', { class: 'page-title', text: machine ? `Edit ${machine.name}` : 'New state machine' }), el('div', { class: 'page-actions' }, save)),
    machine ? null : el('div', { class: 'form-row' }, field_view('Name', name), field_view('Type', type)),
    trouble,
    el(
      'div',
      { class: 'split split-editor' },
      el('section', { class: 'split-main', 'aria-label': 'Definition' }, code.element, verdict, list, el('p', { class: 'quiet keys-line' }, el('kbd', { text: 'Ctrl+S' }), ' saves, ', el('kbd', { text: 'F8' }), ' goes to the next problem.')),
      el('section', { class: 'split-side', 'aria-label': 'Graph' }, graph.element, stale),
    ),
    machine && facts_view([['ARN', el('code', { class: 'arn', text: machine.stateMachineArn })]]),
  );
  app.guard((quiet) => code.text() === saved || (!quiet && confirm('The changes are not saved. Leave them?')));

  function plan() {
    clearTimeout(timer);
    timer = setTimeout(check, PAUSE_MS);
  }

  async function check() {
    const mine = ++turn;
    const definition = code.text();
    const [checked, layout] = await Promise.allSettled([
      call('ValidateStateMachineDefinition', { definition, type: machine?.type ?? type.value, severity: 'WARNING' }),
      call('DrawDefinition', { definition }),
    ]);
    if (mine !== turn || app.gone()) return;
    if (checked.status === 'fulfilled') problems_draw(checked.value.diagnostics ?? []);
    else verdict.textContent = checked.reason.message;
    stale.hidden = layout.status === 'fulfilled';
    graph.element.classList.toggle('graph-stale', layout.status !== 'fulfilled');
    if (layout.status === 'fulfilled') graph.draw(layout.value);
  }

  function problems_draw(found) {
    problems = [...found].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
    at_problem = -1;
    const errors = problems.filter(({ severity }) => severity === 'ERROR').length;
    const warnings = problems.length - errors;
    verdict.dataset.tone = errors ? 'bad' : warnings ? 'warn' : 'good';
    verdict.textContent = problems.length ? [errors && count_text(errors, 'error'), warnings && count_text(warnings, 'warning')].filter(Boolean).join(', ') : 'No problems.';
    code.mark(problems.filter(({ line }) => line).map(({ line, severity, message }) => ({ line, kind: severity === 'ERROR' ? 'error' : 'warning', words: message })));
    code.area.setAttribute('aria-invalid', String(errors > 0));
    fill(
      list,
      problems.map((problem, at) =>
        el(
          'li',
          { class: 'problem', data: { tone: problem.severity === 'ERROR' ? 'bad' : 'warn' } },
          el(
            'button',
            { type: 'button', class: 'problem-go', on: { click: () => problem_go(at) } },
            el('span', { class: 'problem-place', text: `${problem.severity === 'ERROR' ? 'Error' : 'Warning'}${problem.line ? ` in line ${problem.line}` : ''}` }),
            el('span', { text: problem.message }),
            el('span', { class: 'quiet problem-code', text: [problem.code, problem.location].filter(Boolean).join(' · ') }),
          ),
        ),
      ),
    );
  }

  function problem_go(at) {
    at_problem = at;
    const { line, column } = problems[at];
    if (line) code.go(line, column);
  }

  async function store() {
    save.disabled = true;
    fill(trouble);
    const definition = code.text();
    try {
      if (machine) {
        await call('UpdateStateMachine', { stateMachineArn: machine.stateMachineArn, definition });
        saved = definition;
        toast('Saved. Executions that run go on with the definition they began with.');
      } else {
        const answer = await call('CreateStateMachine', { name: name.value.trim(), type: type.value, roleArn: ROLE, definition });
        saved = definition;
        app.go(page_url('machine', { arn: answer.stateMachineArn }));
      }
    } catch (error) {
      fill(trouble, trouble_view(error));
    }
    save.disabled = false;
  }

  const on_key = (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 's') {
      event.preventDefault();
      store();
    } else if (event.key === 'F8' && problems.length) {
      event.preventDefault();
      problem_go((at_problem + (event.shiftKey ? -1 : 1) + problems.length) % problems.length);
    }
  };
  place.addEventListener('keydown', on_key);
  type.addEventListener('change', plan);
  check();
  if (!machine) name.focus();
  return () => {
    clearTimeout(timer);
    app.guard(null);
    graph.close();
  };
}
