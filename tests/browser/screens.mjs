// Takes pictures of the pages, to be looked at: node screens.mjs FOLDER [BASE_URL]
// Without a base address the mock server is started.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { mock_start } from './mock_server.mjs';
import { browser_start } from './support/browser.mjs';

const folder = process.argv[2] ?? 'screens';
const server = process.argv[3] ? null : await mock_start();
const root = process.argv[3] ?? server.url;
const site = `${root}sites/${process.env.SITE ?? 'tide-tables'}/`;
const query = process.env.QUERY ?? 'tide mill';
mkdirSync(folder, { recursive: true });
const browser = await browser_start();

const SCENES = {
  empty: async (page) => page.goto(site),
  results: async (page) => page.goto(`${site}?q=${encodeURIComponent(query)}`),
  spelling: async (page) => page.goto(`${site}?q=herrring`),
  none: async (page) => page.goto(`${site}?q=xylophone`),
  sheet: async (page) => {
    await page.goto(`${site}?q=${encodeURIComponent(query)}`);
    await page.locator('.hit-text').first().click();
    await page.locator('.mentions-count').waitFor();
  },
  share: async (page) => {
    await page.goto(`${site}?q=${encodeURIComponent(query)}`);
    await page.locator('.hit-text').nth(1).click();
    await page.locator('.mentions-count').waitFor();
    await page.getByRole('button', { name: 'Share' }).click();
  },
  filters: async (page) => {
    await page.goto(`${site}?q=tide&from=2022-01-01&episodes=3,4`);
    await page.locator('.hit').first().waitFor();
    await page.locator('#filters-open').click();
  },
  chips: async (page) => page.goto(`${root}sites/harbour-radio/?q=tide&from=2023-01-01&podcasts=night-watch`),
  info: async (page) => {
    await page.goto(site);
    await page.locator('.episode').first().waitFor();
    await page.getByRole('button', { name: 'About this page' }).click();
  },
  home: async (page) => page.goto(root),
  'home-results': async (page) => page.goto(`${root}?q=harbour`),
};

const wanted = (process.env.SCENES ?? Object.keys(SCENES).join(',')).split(',');
const looks = (process.env.LOOKS ?? 'light-1280,dark-1280,light-375,dark-375').split(',');
for (const look of looks) {
  const [theme, width] = look.split('-');
  const context = await browser.newContext({
    viewport: { width: Number(width), height: Number(width) < 600 ? 760 : 860 },
    colorScheme: theme,
    hasTouch: Number(width) < 600,
  });
  for (const name of wanted) {
    const page = await context.newPage();
    page.on('console', (message) => message.type() === 'error' && console.log(`${name} ${look}: ${message.text()}`));
    page.on('pageerror', (error) => console.log(`${name} ${look}: ${error.message}`));
    await SCENES[name](page);
    await page.waitForLoadState('networkidle');
    await page.waitForTimeout(250); // lets the opening movements end; a picture is no test
    await page.screenshot({ path: join(folder, `${name}-${look}.png`) });
    await page.close();
  }
  await context.close();
}
await browser.close();
await server?.close();
