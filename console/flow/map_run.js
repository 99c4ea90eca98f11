// A map run of a distributed Map: its counts, and its executions.

import { el, fill } from '../site/dom.js';
import { call } from './api.js';
import { executions_make } from './executions.js';
import { execution_name, page_url, time_text } from './format.js';
import { facts_view, loading_view, service_status, table_view, trouble_view } from './parts.js';

const AGAIN_MS = 2000;
const COUNTS = ['total', 'pending', 'running', 'succeeded', 'failed', 'timedOut', 'aborted', 'resultsWritten'];
const WORDS = { timedOut: 'timed out', resultsWritten: 'results written' };

export async function open(place, params, app) {
  const arn = params.get('arn') ?? '';
  app.title(execution_name(arn));
  const head = el('div', {}, loading_view());
  const executions = executions_make({ of: { mapRunArn: arn }, status: params.get('status') ?? '', note: (status) => app.note({ status }), gone: app.gone });
  let timer = null;

  fill(
    place,
    el('p', { class: 'crumbs' }, el('a', { href: 'machines', text: 'State machines' })),
    el('h1', { class: 'page-title code-name', text: execution_name(arn) || 'Map run' }),
    head,
    el('section', { class: 'part', 'aria-labelledby': 'executions-title' }, el('h2', { class: 'part-title', id: 'executions-title', text: 'Executions' }), executions.element),
  );

  async function show() {
    try {
      const run = await call('DescribeMapRun', { mapRunArn: arn });
      if (app.gone()) return;
      const shown = COUNTS.filter((key) => run.itemCounts?.[key] !== undefined || run.executionCounts?.[key] !== undefined);
      fill(
        head,
        el('p', { class: 'execution-line' }, service_status(run.status)),
        facts_view([
          ['Started', time_text(run.startDate)],
          ['Ended', run.stopDate && time_text(run.stopDate)],
          ['At once at most', run.maxConcurrency ? String(run.maxConcurrency) : 'no limit'],
          ['Failures allowed', [run.toleratedFailureCount ? String(run.toleratedFailureCount) : '', run.toleratedFailurePercentage ? `${run.toleratedFailurePercentage} %` : ''].filter(Boolean).join(' or ') || 'none'],
          ['Of execution', el('a', { href: page_url('execution', { arn: run.executionArn }), text: execution_name(run.executionArn) })],
        ]),
        table_view(
          'Counts',
          [{ title: 'Of', quiet: true }, ...shown.map((key) => ({ title: WORDS[key] ?? key, kind: 'number' }))],
          [
            ['Items', ...shown.map((key) => String(run.itemCounts?.[key] ?? 0))],
            ['Executions', ...shown.map((key) => String(run.executionCounts?.[key] ?? 0))],
          ],
        ),
      );
      if (run.status === 'RUNNING') timer = setTimeout(show, AGAIN_MS);
    } catch (error) {
      if (!app.gone()) fill(head, trouble_view(error, show));
    }
  }
  await show();
  return () => clearTimeout(timer);
}
