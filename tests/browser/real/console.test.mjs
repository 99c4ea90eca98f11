// The console against the engine: a machine is written, run, watched, retried and put on a schedule, by hand as a person
// would. console_served.mjs starts the program.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { browser_start, faults_watch } from '../support/browser.mjs';

const ROOT = new URL('console/', process.env.TIDEMILL_CONSOLE.replace(/\/?$/, '/')).href;
const DEFINITION = {
  Comment: 'Counts and waits for a person',
  StartAt: 'Both',
  States: {
    Both: {
      Type: 'Parallel',
      Branches: [
        { StartAt: 'Left', States: { Left: { Type: 'Pass', Assign: { seen: 5 }, End: true } } },
        { StartAt: 'Right', States: { Right: { Type: 'Pass', End: true } } },
      ],
      Next: 'Each',
    },
    Each: {
      Type: 'Map',
      ItemsPath: '$$.Execution.Input.items',
      MaxConcurrency: 5,
      ItemProcessor: {
        StartAt: 'Small',
        States: {
          Small: { Type: 'Choice', Choices: [{ Variable: '$', NumericLessThan: 5, Next: 'Fine' }], Default: 'Large' },
          Fine: { Type: 'Pass', End: true },
          Large: { Type: 'Pass', End: true },
        },
      },
      Next: 'Judge',
    },
    Judge: { Type: 'Task', Resource: 'arn:aws:states:us-east-1:000000000000:activity:judge', Next: 'Done' },
    Done: { Type: 'Succeed' },
  },
};

let browser = null;
let page = null;
let faults = null;

const call = (operation, body) =>
  page.evaluate(
    async ([url, request]) => (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', 'x-tidemill-console': '1' }, body: JSON.stringify(request) })).json(),
    [`${ROOT}api/${operation}`, body],
  );
const state = (name, status) => page.locator(`.graph .state[data-name="${name}"]${status ? `[data-status="${status}"]` : ''}`);

before(async () => {
  browser = await browser_start();
  page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
  page.setDefaultTimeout(30000);
  faults = faults_watch(page, new URL('/', ROOT).href);
});
after(async () => {
  await browser?.close();
});

test('an activity and a machine are made in the browser', async () => {
  await page.goto(`${ROOT}activities`);
  await page.getByRole('button', { name: 'New' }).click();
  await page.getByLabel('Name').fill('judge');
  await page.keyboard.press('Enter');
  await page.locator('tbody strong', { hasText: 'judge' }).waitFor();
  await page.goto(`${ROOT}new`);
  await page.getByLabel('Name').fill('count');
  const text = JSON.stringify(DEFINITION, null, 2);
  await page.locator('textarea.code-area').fill(text.replace('"Next": "Judge"', '"Next": "Jury"'));
  await page.locator('.problem', { hasText: 'Jury' }).waitFor();
  const line = text.split('\n').findIndex((one) => one.includes('"Next": "Judge"')) + 1;
  assert.equal(await page.locator('.code-numbers [data-mark="error"]').first().textContent(), String(line));
  await page.locator('textarea.code-area').fill(text);
  await page.locator('.verdict', { hasText: 'No problems' }).waitFor();
  await state('Judge').waitFor();
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { level: 1, name: 'count' }).waitFor();
  assert.equal(await page.locator('.graph .state').count(), 9);
});

test('it runs before the eyes, and ends when the activity is done', async () => {
  await page.getByRole('button', { name: 'Start' }).click();
  await page.locator('#start-name').fill('first');
  await page.locator('#start-input').fill(JSON.stringify({ items: [1, 2, 3, 4, 5, 6, 7, 8, 9] }));
  await page.keyboard.press('Control+Enter');
  await page.getByRole('heading', { level: 1, name: 'first' }).waitFor();
  await state('Judge', 'running').waitFor();
  await state('Both', 'succeeded').waitFor();
  await state('Each', 'succeeded').waitFor();
  assert.equal(await state('Each').locator('.tag text').textContent(), '9 / 9');
  assert.equal(await state('Fine').locator('.tag text').textContent(), '×4');
  const { taskToken } = await call('GetActivityTask', { activityArn: 'arn:aws:states:us-east-1:000000000000:activity:judge', workerName: 'a person' });
  await call('SendTaskFailure', { taskToken, error: 'No', cause: 'not good enough' });
  await state('Judge', 'failed').waitFor();
  await page.locator('.execution-status .status[data-status="failed"]').waitFor();
});

test('what happened in a state is there to read', async () => {
  await state('Judge').locator('.state-hit').click();
  await page.locator('.panel .fault', { hasText: 'not good enough' }).waitFor();
  await page.locator('.panel', { hasText: 'a person' }).waitFor();
  await state('Left').locator('.state-hit').click();
  await page.locator('.panel').getByLabel('Assigned variables', { exact: true }).waitFor();
  await state('Each').locator('.state-hit').first().click();
  await page.locator('.iterations-words', { hasText: '9 iterations: 9 succeeded' }).waitFor();
  await page.locator('.iterations [role="option"]').nth(6).click();
  await state('Large', 'succeeded').waitFor();
  await state('Fine', 'pending').waitFor();
});

test('it is retried from the state that failed', async () => {
  await page.getByRole('button', { name: 'Retry from the failed state' }).click();
  await state('Judge', 'running').waitFor();
  const { taskToken } = await call('GetActivityTask', { activityArn: 'arn:aws:states:us-east-1:000000000000:activity:judge' });
  await call('SendTaskSuccess', { taskToken, output: '{"good":true}' });
  await state('Done', 'succeeded').waitFor();
  await page.locator('.execution-status .status[data-status="succeeded"]').waitFor();
});

test('a schedule says when it comes next', async () => {
  await page.goto(`${ROOT}schedules`);
  await page.getByRole('button', { name: 'New' }).click();
  await page.getByLabel('Name').fill('nightly');
  await page.getByLabel('Expression').fill('cron(0 3 * * ? 2099)');
  await page.locator('.dialog .button', { hasText: 'Create' }).click();
  await page.locator('tbody tr', { hasText: '1 Jan 2099' }).waitFor();
  await page.getByRole('switch', { name: 'nightly is on' }).click();
  await page.locator('tbody tr', { hasText: 'never, it is off' }).waitFor();
});

test('the page kept its policy and asked nobody else', () => {
  assert.deepEqual(faults, []);
});
