// The console for state machines: lists, one machine, one execution while it runs, the editor, schedules, activities.

import assert from 'node:assert/strict';
import { case_open, world } from '../support/case.mjs';
import { calls_of, console_url, execution_url, flow, flow_test, machine_url, state_at } from '../support/flow_case.mjs';
import { HOSTILE_STATE } from '../support/flow_world.mjs';

case_open();

const row = (page, name) => page.locator('tbody tr').filter({ has: page.getByText(name, { exact: true }) });

/* ---- machines ---- */

flow_test('the list says what runs, and finds a machine by its name', async (page) => {
  await page.goto(console_url(''));
  await row(page, 'night-run').locator('.status').waitFor();
  assert.equal(await row(page, 'night-run').locator('.number').textContent(), '1');
  await page.keyboard.press('/');
  await page.keyboard.type('many');
  assert.deepEqual(await page.locator('tbody .strong-link').allTextContents(), ['many-items']);
  await page.locator('tbody .strong-link').click();
  await page.getByRole('heading', { level: 1, name: 'many-items' }).waitFor();
  await page.goBack();
  await page.getByRole('heading', { level: 1, name: 'State machines' }).waitFor();
});

flow_test('a machine is drawn with all its states, boxes within boxes', async (page) => {
  await page.goto(machine_url('night-run'));
  await page.locator('.graph .state').first().waitFor();
  assert.equal(await page.locator('.graph .state').count(), 18);
  assert.equal(await page.locator('.graph .branch').count(), 2);
  const outer = await page.locator('.graph .state-Map .state-box').boundingBox();
  const inner = await page.locator('.graph .state[data-name="Transcribe"] .state-box').boundingBox();
  assert.ok(inner.x > outer.x && inner.y > outer.y && inner.x + inner.width < outer.x + outer.width && inner.y + inner.height < outer.y + outer.height);
  assert.equal(await page.locator('.edge-label', { hasText: '$.count = 0' }).count(), 1);
  await page.locator('td', { hasText: /^alias$/ }).waitFor();
});

flow_test('executions by status, and more of them', async (page) => {
  await page.goto(machine_url('night-run'));
  await page.locator('.executions tbody tr').first().waitFor();
  assert.equal(await page.locator('.executions tbody tr').count(), 50);
  await page.getByRole('button', { name: 'More' }).click();
  await page.locator('.executions tbody tr').nth(60).waitFor();
  await page.getByRole('button', { name: 'Failed', exact: true }).click();
  await page.waitForFunction(() => [...document.querySelectorAll('.executions tbody .status')].every((node) => node.dataset.status === 'failed'));
  assert.match(page.url(), /status=FAILED/);
  await page.reload();
  await page.locator('.executions tbody tr').first().waitFor();
  assert.equal(await page.locator('.executions .chip[aria-pressed="true"]').textContent(), 'Failed');
});

flow_test('an input that is no JSON starts nothing; one that is starts an execution', async (page) => {
  await page.goto(machine_url('many-items'));
  await page.getByRole('button', { name: 'Start' }).click();
  const before = calls_of('StartExecution');
  await page.getByLabel('Input', { exact: true }).fill('{"a": ');
  await page.locator('.dialog .button', { hasText: 'Start' }).click();
  await page.locator('.form-trouble', { hasText: 'not JSON' }).waitFor();
  assert.equal(calls_of('StartExecution'), before);
  await page.getByLabel('Input', { exact: true }).fill('{"a": 1}');
  await page.getByLabel('Name').fill('by-hand');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('heading', { level: 1, name: 'by-hand' }).waitFor();
  assert.equal(flow().calls.findLast((one) => one.operation === 'StartExecution').body.input, '{"a": 1}');
});

/* ---- an execution ---- */

flow_test('states change as an execution runs, without a reload', async (page) => {
  const run = flow().grow('tonight', 0);
  const until = (type) => flow().grow('tonight', run.events.findIndex((event, at) => at >= run.shown && event.type === type) + 1 - run.shown);
  await page.goto(execution_url('night-run', 'tonight'));
  await page.locator('.graph .state').first().waitFor();
  await page.evaluate(() => (window.marked = true));
  assert.equal(await page.locator('.graph .state:not([data-status="pending"])').count(), 0);
  until('TaskStarted');
  await state_at(page, 'ReadSites', 'running').waitFor();
  until('TaskFailed');
  await state_at(page, 'ReadSites', 'retrying').waitFor();
  until('ChoiceStateExited');
  await state_at(page, 'ReadSites', 'succeeded').waitFor();
  await state_at(page, 'AnySites', 'succeeded').waitFor();
  until('ParallelStateStarted');
  await state_at(page, 'Prepare', 'running').waitFor();
  flow().grow('tonight');
  await state_at(page, 'BuildIndex', 'running').waitFor();
  await state_at(page, 'ForEachEpisode', 'succeeded').waitFor();
  assert.equal(await page.locator('.graph .state[data-name="WaitForSites"]').getAttribute('data-status'), 'pending');
  assert.equal(await page.evaluate(() => window.marked), true);
  await page.locator('.execution-status .status[data-status="running"]').waitFor();
  assert.ok((await page.locator('.edge-taken').count()) >= 8);
});

flow_test('an ended execution is asked for no more; a quiet one ever less often', async (page) => {
  await page.clock.install();
  await page.goto(execution_url('night-run', 'well'));
  await state_at(page, 'Done', 'succeeded').waitFor();
  const ended = calls_of('GetExecutionHistory');
  await page.clock.runFor(60000);
  assert.equal(calls_of('GetExecutionHistory'), ended);
  await page.goto(execution_url('many-items', 'spread'));
  await state_at(page, 'EachItem', 'running').waitFor();
  const quiet = calls_of('GetExecutionHistory');
  for (let step = 0; step < 60; step++) {
    await page.clock.runFor(1000);
    await page.evaluate(() => fetch('/favicon.svg')); // lets an answer that is on its way come in
  }
  const asked = calls_of('GetExecutionHistory') - quiet;
  assert.ok(asked >= 4 && asked <= 20, `${asked} requests in a minute`);
});

flow_test('a state tells its input, output, variables and tries', async (page) => {
  await page.goto(execution_url('night-run', 'well'));
  await state_at(page, 'ReadSites', 'succeeded').click();
  const panel = page.locator('.panel');
  await panel.getByText('2 tries').waitFor();
  assert.match(await panel.getByLabel('Input', { exact: true }).textContent(), /"night": 324/);
  assert.match(await panel.getByLabel('Output', { exact: true }).textContent(), /"count": 3/);
  assert.match(await panel.getByLabel('Assigned variables', { exact: true }).textContent(), /"sites": 3/);
  assert.match(await panel.textContent(), /podcast\.sites/);
  assert.match(page.url(), /state=ReadSites/);
  await panel.getByRole('button', { name: /Task failed/ }).click();
  await page.locator('.event-detail', { hasText: 'States.Timeout' }).waitFor();
});

flow_test('a failure is told with its cause, and can be retried from there', async (page) => {
  await page.goto(execution_url('night-run', 'broken', '&state=BuildIndex'));
  await page.locator('.panel .fault', { hasText: 'page 7 is damaged' }).waitFor();
  await state_at(page, 'BuildIndex', 'failed').waitFor();
  await page.getByRole('button', { name: 'Retry from the failed state' }).click();
  await state_at(page, 'BuildIndex', 'running').waitFor();
  await page.getByRole('button', { name: 'Stop' }).waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.locator('.dialog .button-danger').click();
  await state_at(page, 'BuildIndex', 'aborted').waitFor();
  await page.locator('.execution-status .status[data-status="aborted"]').waitFor();
});

flow_test('starting again takes the same input', async (page) => {
  await page.goto(execution_url('night-run', 'older-01'));
  await page.getByRole('button', { name: 'Start again' }).click();
  assert.equal(await page.locator('#start-input').inputValue(), '{\n  "night": 324\n}');
});

flow_test('an iteration that is chosen colours the states inside its Map', async (page) => {
  await page.goto(execution_url('night-run', 'well', '&state=ForEachEpisode'));
  const list = page.getByRole('listbox', { name: 'Iterations of ForEachEpisode' });
  await list.waitFor();
  assert.match(await page.locator('.iterations-words').textContent(), /12 iterations: 12 succeeded/);
  await state_at(page, 'Transcribe', 'caught').waitFor();
  await list.focus();
  for (let step = 0; step < 2; step++) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.locator('.scope-note', { hasText: 'iteration 1' }).waitFor();
  await state_at(page, 'Transcribe', 'succeeded').waitFor();
  await state_at(page, 'NoteFailure', 'pending').waitFor();
  await state_at(page, 'SplitAudio', 'pending').waitFor();
  await state_at(page, 'Download', 'succeeded').click();
  assert.match(await page.locator('.panel').getByLabel('Input', { exact: true }).textContent(), /"episode": 1,/);
  await page.getByRole('button', { name: 'show all' }).click();
  await state_at(page, 'SplitAudio', 'succeeded').waitFor();
});

flow_test('thousands of iterations and events stay a few elements', async (page) => {
  const events = flow().executions.find((one) => one.name === 'thousands').events.length;
  assert.ok(events > 15000);
  await page.goto(execution_url('many-items', 'thousands', '&state=EachItem'));
  await page.locator('.iterations-words', { hasText: '3,500 iterations: 3,439 succeeded, 36 failed, 25 running' }).waitFor();
  const list = page.getByRole('listbox', { name: 'Events' });
  await list.focus();
  await page.keyboard.press('End');
  await list.getByRole('option', { name: new RegExp(`^${events} `) }).waitFor();
  assert.ok((await page.locator('[role="option"]').count()) < 120);
  assert.equal(await list.getByRole('option').first().getAttribute('aria-setsize'), String(events));
  await page.locator('.iterations .chip', { hasText: 'Failed' }).click();
  await page.locator('.iterations [role="option"][aria-setsize="36"]').first().click();
  await page.locator('.scope-note', { hasText: 'iteration 50' }).waitFor();
  await state_at(page, 'Look', 'caught').waitFor();
});

flow_test('a map run has its counts and executions', async (page) => {
  await page.goto(execution_url('many-items', 'spread', '&state=EachItem'));
  await page.getByRole('link', { name: 'The map run and its executions' }).click();
  await page.getByRole('heading', { level: 1, name: '5f3c2b1a' }).waitFor();
  assert.match(await page.getByRole('group', { name: 'Counts' }).textContent(), /380/);
  await page.locator('.executions tbody tr').nth(49).waitFor();
});

flow_test('names made of markup are names', async (page) => {
  await page.goto(execution_url('hostile', 'hostile'));
  await page.locator('.graph .state-name', { hasText: '<img src=x' }).waitFor();
  await page.locator('.graph .state').first().click();
  await page.locator('.panel-title', { hasText: HOSTILE_STATE }).waitFor();
  assert.equal(await page.locator('img, script:not([src])').count(), 0);
});

flow_test('trouble is told and tried again', { allow: [/disk is full/] }, async (page) => {
  flow().fail = 'ListStateMachines';
  await page.goto(console_url('machines'));
  await page.getByRole('alert').getByText('the disk is full').waitFor();
  await page.getByRole('button', { name: 'Try again' }).click();
  await row(page, 'night-run').waitFor();
  await page.goto(execution_url('night-run', 'nobody'));
  await page.getByRole('alert').getByText('ExecutionDoesNotExist').waitFor();
});

flow_test('a call without the header of the console is refused', async (page) => {
  const answer = await page.request.post(`${world.url}console/api/ListStateMachines`, { data: {} });
  assert.equal(answer.status(), 403);
});

/* ---- the editor ---- */

flow_test('the editor marks what is wrong at its line, and saves what is right', async (page) => {
  await page.goto(machine_url('night-run', 'edit'));
  await page.locator('.verdict', { hasText: 'No problems' }).waitFor();
  const area = page.locator('textarea.code-area');
  const whole = await area.inputValue();
  const line = whole.split('\n').findIndex((one) => one.includes('"Next": "Publish"')) + 1;
  await area.fill(whole.replace('"Next": "Publish"', '"Next": "Publisher"'));
  await page.locator('.problem', { hasText: "Missing 'Next' target: Publisher" }).waitFor();
  assert.equal(await page.locator('.code-numbers [data-mark="error"]').textContent(), String(line));
  await area.focus();
  await page.keyboard.press('F8');
  const at = await area.evaluate((node) => node.value.slice(0, node.selectionStart).split('\n').length);
  assert.equal(at, line);
  await page.locator('.graph-stale').waitFor();
  await area.fill(whole.replace('every night', 'every single night'));
  await page.locator('.verdict', { hasText: 'No problems' }).waitFor();
  await area.focus();
  await page.keyboard.press('Control+s');
  await page.locator('.toast', { hasText: 'Saved' }).waitFor();
  assert.match(flow().calls.findLast((one) => one.operation === 'UpdateStateMachine').body.definition, /every single night/);
});

flow_test('unsaved changes are not left by accident', async (page) => {
  await page.goto(console_url('new'));
  await page.locator('.verdict', { hasText: 'No problems' }).waitFor();
  await page.locator('textarea.code-area').fill('{}');
  let asked = 0;
  page.on('dialog', (dialog) => {
    asked += 1;
    if (asked === 1) dialog.dismiss();
    else dialog.accept();
  });
  await page.getByRole('link', { name: 'Schedules' }).click();
  assert.equal(asked, 1);
  assert.match(page.url(), /new$/);
  await page.getByRole('link', { name: 'Schedules' }).click();
  await page.getByRole('heading', { level: 1, name: 'Schedules' }).waitFor();
});

flow_test('a new machine is made; the next line goes in as far as the last', async (page) => {
  await page.goto(console_url('new'));
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('alert').getByText('Invalid Name').waitFor();
  await page.getByLabel('Name').fill('made-here');
  const area = page.locator('textarea.code-area');
  await area.evaluate((node) => {
    const at = node.value.indexOf('"First": {') + '"First": {'.length;
    node.focus();
    node.setSelectionRange(at, at);
  });
  await page.keyboard.press('Enter');
  await page.keyboard.type('"Comment": "x",');
  assert.match(await area.inputValue(), /"First": \{\n {6}"Comment": "x",\n {6}"Type"/);
  await page.locator('.verdict', { hasText: 'No problems' }).waitFor();
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { level: 1, name: 'made-here' }).waitFor();
});

/* ---- schedules, activities ---- */

flow_test('schedules are made, switched and deleted', async (page) => {
  await page.goto(console_url('schedules'));
  await row(page, 'every-night').getByText('cron(0 3 * * ? *)').waitFor();
  await row(page, 'every-night').getByText('21 Nov 2026').waitFor();
  await page.getByRole('switch', { name: 'every-night is on' }).click();
  await page.locator('[role="switch"][aria-label="every-night is on"][aria-checked="false"]').waitFor();
  assert.equal(flow().schedules[0].State, 'DISABLED');
  assert.equal(flow().schedules[0].ScheduleExpressionTimezone, 'Europe/Berlin');
  await page.getByRole('button', { name: 'New' }).click();
  await page.getByLabel('Name').fill('hourly');
  await page.getByLabel('Expression').fill('every hour');
  await page.getByLabel('Target').fill('arn:aws:states:us-east-1:000000000000:stateMachine:night-run');
  await page.locator('.dialog .button', { hasText: 'Create' }).click();
  await page.locator('.form-trouble', { hasText: 'Invalid Schedule Expression' }).waitFor();
  await page.getByLabel('Expression').fill('rate(1 hour)');
  await page.locator('.dialog .button', { hasText: 'Create' }).click();
  await row(page, 'hourly').waitFor();
  await page.getByRole('button', { name: 'Delete hourly' }).click();
  await page.locator('.dialog .button-danger').click();
  await row(page, 'hourly').waitFor({ state: 'detached' });
});

flow_test('activities are made and deleted', async (page) => {
  await page.goto(console_url('activities'));
  await row(page, 'publish-to-the-world').waitFor();
  await page.getByRole('button', { name: 'New' }).click();
  await page.getByLabel('Name').fill('look');
  await page.keyboard.press('Enter');
  await row(page, 'look').waitFor();
  await page.getByRole('button', { name: 'Delete look' }).click();
  await page.locator('.dialog .button-danger').click();
  await row(page, 'look').waitFor({ state: 'detached' });
});
