// Schedules: what starts by itself, and when.

import { el, fill } from '../site/dom.js';
import { call, scheduler } from './api.js';
import { arn_name, page_url, time_text } from './format.js';
import { ask, field_view, form_dialog, json_field, loading_view, table_view, toast, trouble_view } from './parts.js';

const AT_ONCE = 4;
// What UpdateSchedule takes of what GetSchedule gives: it replaces the whole schedule.
const KEPT = ['ScheduleExpression', 'ScheduleExpressionTimezone', 'StartDate', 'EndDate', 'FlexibleTimeWindow', 'Target', 'Description', 'State', 'KmsKeyArn', 'ActionAfterCompletion'];

const path_of = (schedule) => `/schedules/${encodeURIComponent(schedule.Name)}`;
const group_of = (schedule) => ({ groupName: schedule.GroupName ?? 'default' });

function target_view(arn) {
  if (/:stateMachine:/.test(arn)) return el('a', { href: page_url('machine', { arn }), text: arn_name(arn) });
  return el('code', { class: 'arn', text: arn ?? '' });
}

// The next time, as the server tells it (undefined: it did not).
function next_view(whole) {
  if (!whole) return '';
  if (whole.State === 'DISABLED') return el('span', { class: 'quiet', text: 'never, it is off' });
  if (whole.next === null) return el('span', { class: 'quiet', text: 'never, it is over' });
  return whole.next === undefined ? '' : el('time', { datetime: new Date(whole.next * 1000).toISOString(), text: time_text(whole.next) });
}

// A schedule's settings and its next time.
async function look(row) {
  row.whole = await scheduler('GET', path_of(row.summary), { query: group_of(row.summary) });
  row.whole.next = (await call('NextInvocation', row.whole)).next;
}

export async function open(place, _params, app) {
  app.title('Schedules');
  const list = el('div', {}, loading_view());
  let rows = []; // { summary, whole }
  let next = null;

  fill(
    place,
    el('div', { class: 'page-head' }, el('h1', { class: 'page-title', text: 'Schedules' }), el('div', { class: 'page-actions' }, el('button', { type: 'button', class: 'button', text: 'New', on: { click: make } }))),
    list,
  );

  async function make() {
    const machines = await call('ListStateMachines', { maxResults: 100 }).then(
      (answer) => answer.stateMachines ?? [],
      () => [],
    );
    const name = el('input', { class: 'field', id: 'schedule-name', maxlength: 64, autocomplete: 'off', spellcheck: 'false' });
    const expression = el('input', { class: 'field', id: 'schedule-expression', maxlength: 256, autocomplete: 'off', spellcheck: 'false', placeholder: 'cron(0 3 * * ? *)' });
    const zone = el('input', { class: 'field', id: 'schedule-zone', maxlength: 50, value: 'UTC', autocomplete: 'off', spellcheck: 'false' });
    const target = el('input', { class: 'field', id: 'schedule-target', list: 'schedule-targets', autocomplete: 'off', spellcheck: 'false', value: machines.length === 1 ? machines[0].stateMachineArn : '' });
    const input = json_field('schedule-input', '{}', 6);
    form_dialog(
      {
        title: 'New schedule',
        name: 'schedule',
        action: 'Create',
        async send() {
          await scheduler('POST', `/schedules/${encodeURIComponent(name.value.trim())}`, {
            body: {
              ScheduleExpression: expression.value.trim(),
              ScheduleExpressionTimezone: zone.value.trim() || 'UTC',
              FlexibleTimeWindow: { Mode: 'OFF' },
              State: 'ENABLED',
              Target: { Arn: target.value.trim(), RoleArn: 'arn:aws:iam::000000000000:role/console', Input: input.value() },
            },
          });
          toast('The schedule is on');
          load();
        },
      },
      field_view('Name', name),
      field_view('Expression', expression, 'rate(15 minutes), cron(0 3 * * ? *) or at(2030-01-31T03:00:00)'),
      field_view('Time zone', zone),
      field_view('Target', target, 'The ARN of a state machine, a queue or a task.'),
      el('datalist', { id: 'schedule-targets' }, machines.map((one) => el('option', { value: one.stateMachineArn, text: one.name }))),
      el('div', { class: 'form-field' }, el('label', { for: 'schedule-input', text: 'Input' }), input.area, input.note),
    );
  }

  async function turn(row) {
    try {
      const whole = await scheduler('GET', path_of(row.summary), { query: group_of(row.summary) });
      const body = Object.fromEntries(KEPT.filter((key) => whole[key] !== undefined).map((key) => [key, whole[key]]));
      body.State = whole.State === 'ENABLED' ? 'DISABLED' : 'ENABLED';
      body.GroupName = whole.GroupName;
      await scheduler('PUT', path_of(row.summary), { body });
      toast(`${whole.Name} is ${body.State === 'ENABLED' ? 'on' : 'off'}`);
      await load();
    } catch (error) {
      toast(error.message);
    }
  }

  const remove = ({ summary }) =>
    ask({
      title: 'Delete this schedule',
      text: `${summary.Name} starts nothing any more.`,
      action: 'Delete',
      async send() {
        await scheduler('DELETE', path_of(summary), { query: group_of(summary) });
        load();
      },
    });

  function draw() {
    fill(
      list,
      rows.length
        ? table_view(
            'Schedules',
            [{ title: 'Name' }, { title: 'When' }, { title: 'Next' }, { title: 'State' }, { title: 'Starts' }, { title: 'Actions', quiet: true }],
            rows.map((row) => {
              const { summary, whole } = row;
              const on = (whole?.State ?? summary.State) === 'ENABLED';
              return [
                el('strong', { text: summary.Name }),
                whole ? el('span', {}, el('code', { text: whole.ScheduleExpression }), whole.ScheduleExpressionTimezone && whole.ScheduleExpressionTimezone !== 'UTC' ? ` ${whole.ScheduleExpressionTimezone}` : '') : '…',
                next_view(whole),
                el('button', { type: 'button', class: 'switch', role: 'switch', 'aria-checked': String(on), 'aria-label': `${summary.Name} is on`, on: { click: () => turn(row) } }, el('span', { text: on ? 'on' : 'off' })),
                target_view(summary.Target?.Arn),
                el('button', { type: 'button', class: 'link', text: 'Delete', 'aria-label': `Delete ${summary.Name}`, on: { click: () => remove(row) } }),
              ];
            }),
          )
        : el('p', { class: 'quiet empty', text: 'There are no schedules. One starts a state machine at set times.' }),
      next && el('button', { type: 'button', class: 'button button-quiet more', text: 'More', on: { click: () => load(true) } }),
    );
  }

  async function load(more = false) {
    try {
      const answer = await scheduler('GET', '/schedules', { query: { MaxResults: '100', ...(more && next ? { NextToken: next } : {}) } });
      if (app.gone()) return;
      const fresh = (answer.Schedules ?? []).map((summary) => ({ summary, whole: null }));
      rows = more ? [...rows, ...fresh] : fresh;
      next = answer.NextToken ?? null;
      // The list has no expressions: each schedule is asked for its own.
      const waiting = [...fresh];
      const work = async () => {
        for (let row = waiting.shift(); row && !app.gone(); row = waiting.shift()) await look(row).catch(() => {});
      };
      if (!more && !list.querySelector('table')) draw();
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      if (!app.gone()) draw();
    } catch (error) {
      if (!app.gone()) fill(list, trouble_view(error, () => load(more)));
    }
  }
  await load();
}
