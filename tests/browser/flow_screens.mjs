// Takes pictures of the console, to be looked at: node flow_screens.mjs FOLDER

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { mock_start } from './mock_server.mjs';
import { browser_start } from './support/browser.mjs';
import { execution_arn, machine_arn } from './support/flow_world.mjs';

const folder = process.argv[2] ?? 'screens';
const server = await mock_start();
const root = `${server.url}console/`;
mkdirSync(folder, { recursive: true });
const browser = await browser_start();
const execution = (machine, name, more = '') => `${root}execution?arn=${encodeURIComponent(execution_arn(machine, name))}${more}`;

const SCENES = {
  machines: async (page) => page.goto(`${root}machines`),
  machine: async (page) => page.goto(`${root}machine?arn=${encodeURIComponent(machine_arn('night-run'))}`),
  running: async (page) => {
    server.world.flow.grow('tonight', 60);
    await page.goto(execution('night-run', 'tonight'));
  },
  failed: async (page) => page.goto(execution('night-run', 'broken', '&state=BuildIndex')),
  map: async (page) => page.goto(execution('night-run', 'well', '&state=ForEachEpisode')),
  thousands: async (page) => page.goto(execution('many-items', 'thousands', '&state=EachItem')),
  start: async (page) => {
    await SCENES.machine(page);
    await page.getByRole('button', { name: 'Start' }).click();
  },
  edit: async (page) => {
    await page.goto(`${root}edit?arn=${encodeURIComponent(machine_arn('night-run'))}`);
    await page.locator('.code-area').evaluate((area) => {
      area.value = area.value.replace('"Next": "Publish"', '"Next": "Publisher"');
      area.dispatchEvent(new Event('input'));
    });
    await page.locator('.problem').waitFor();
  },
  new: async (page) => page.goto(`${root}new`),
  'map-run': async (page) => page.goto(`${root}map-run?arn=${encodeURIComponent(server.world.flow.run)}`),
  schedules: async (page) => page.goto(`${root}schedules`),
  activities: async (page) => page.goto(`${root}activities`),
};

const wanted = (process.env.SCENES ?? Object.keys(SCENES).join(',')).split(',');
const looks = (process.env.LOOKS ?? 'light-1280,dark-1280,light-375,dark-375').split(',');
for (const look of looks) {
  const [theme, width] = look.split('-');
  const context = await browser.newContext({ viewport: { width: Number(width), height: Number(width) < 600 ? 1100 : 1000 }, colorScheme: theme, hasTouch: Number(width) < 600 });
  for (const name of wanted) {
    const page = await context.newPage();
    page.on('console', (message) => message.type() === 'error' && console.log(`${name} ${look}: ${message.text()}`));
    page.on('pageerror', (error) => console.log(`${name} ${look}: ${error.stack}`));
    await SCENES[name](page);
    await page.locator('h1').waitFor();
    await page.waitForTimeout(700); // lets pictures settle; a picture is no test
    await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: process.env.WHOLE === '1' });
    await page.close();
  }
  await context.close();
}
await browser.close();
await server.close();
