// How the pages look and behave for everybody: contrast, names and roles, light and dark, a narrow phone, calm motion.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { case_open, page_test, query_of, results_wait, site_url, world } from '../support/case.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

case_open();

// Every state of the pages that a reader can meet.
const SCENES = {
  empty: async (page) => {
    await page.goto(site_url());
    await page.locator('.episode').first().waitFor();
  },
  results: async (page) => {
    await page.goto(site_url(`?q=${query_of(world.facts.query)}`));
    await results_wait(page);
  },
  chips: async (page) => {
    await page.goto(site_url(`?q=${query_of(world.facts.query)}&from=2000-01-01&episodes=1,2,3`));
    await results_wait(page);
  },
  nothing: async (page) => {
    await page.goto(site_url('?q=qqqqqqqq'));
    await page.locator('.none').waitFor();
  },
  sheet: async (page) => {
    await SCENES.results(page);
    await page.locator('.hit-text').first().click();
    await page.locator('.mentions-count').waitFor();
  },
  share: async (page) => {
    await SCENES.sheet(page);
    await page.getByRole('button', { name: 'Share', exact: true }).click();
  },
  settings: async (page) => {
    await SCENES.sheet(page);
    await page.getByRole('button', { name: 'Settings' }).click();
  },
  filters: async (page) => {
    await SCENES.results(page);
    await page.locator('#filters-open').click();
    await page.locator('#filters .check').first().waitFor();
  },
  info: async (page) => {
    await SCENES.empty(page);
    await page.getByRole('button', { name: 'About this page' }).click();
  },
  home: async (page) => {
    await page.goto(world.url);
    await page.locator('.site').first().waitFor();
  },
  'home results': async (page) => {
    await page.goto(`${world.url}?q=${query_of(world.facts.query)}`);
    await results_wait(page);
  },
};

const CALM = { reducedMotion: 'reduce' };

for (const colorScheme of ['light', 'dark']) {
  for (const [name, open] of Object.entries(SCENES)) {
    page_test(`${name}, ${colorScheme}: names, roles and contrast hold`, { context: { colorScheme, ...CALM } }, async (page) => {
      await open(page);
      await page.evaluate(AXE);
      const found = await page.evaluate(async () => {
        const report = await globalThis.axe.run(document, { preload: false });
        return report.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).join(' | ')}`);
      });
      assert.deepEqual(found, []);
    });
  }
}

// The contrast of one colour on another as WCAG 2.2 defines it; the browser paints them, so mixed colours count as shown.
async function contrast(page, selector, ground = selector) {
  return page.evaluate(
    ([one, other]) => {
      const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
      const luminance = (colours) => {
        for (const colour of colours) {
          context.fillStyle = colour;
          context.fillRect(0, 0, 1, 1);
        }
        const parts = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => {
          const part = value / 255;
          return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
      };
      const grounds = [];
      for (let node = document.querySelector(other); node; node = node.parentElement) grounds.unshift(getComputedStyle(node).backgroundColor);
      const low_high = [luminance(grounds), luminance([...grounds, getComputedStyle(document.querySelector(one)).color])].sort((a, b) => a - b);
      return (low_high[1] + 0.05) / (low_high[0] + 0.05);
    },
    [selector, ground],
  );
}

for (const colour of ['#ffd84d', '#ffffff', '#000000', '#0a1a66', '#ff0000', 'not a colour']) {
  for (const colorScheme of ['light', 'dark']) {
    page_test(`a site in ${colour} can be read, ${colorScheme}`, { context: { colorScheme } }, async (page) => {
      await page.route(site_url('?*'), async (route) => {
        const answer = await route.fetch();
        const body = (await answer.text()).replace(/(name="theme-color" content=")[^"]*/g, `$1${colour}`);
        await route.fulfill({ response: answer, body });
      });
      await page.goto(site_url(`?q=${query_of(world.facts.query)}&from=2000-01-01`));
      await results_wait(page);
      for (const [selector, ground] of [['.hit-time'], ['.search-button'], ['.hit-text'], ['.hit-meta time', '.hit'], ['mark'], ['.chip-clear', '.found'], ['.badge']]) {
        const ratio = await contrast(page, selector, ground);
        assert.ok(ratio >= 4.5, `${selector}: ${ratio.toFixed(2)}`);
      }
    });
  }
}

page_test('light and dark follow the system, then the reader, and are kept', { context: { colorScheme: 'dark' } }, async (page) => {
  const theme_is = (wanted) => page.waitForFunction((name) => document.documentElement.dataset.theme === name, wanted);
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const metas = () => page.locator('meta[name=theme-color]').evaluateAll((all) => all.map((meta) => meta.content));
  await page.goto(site_url());
  await page.locator('.episode').first().waitFor();
  const given = await metas();
  await theme_is('dark');
  const dark = await ground();
  await page.emulateMedia({ colorScheme: 'light' });
  await theme_is('light');
  assert.notEqual(await ground(), dark);
  await page.getByRole('button', { name: 'Switch between light and dark' }).click();
  await theme_is('dark');
  assert.equal(await page.evaluate(() => localStorage.getItem('theme')), 'dark');
  assert.deepEqual(await metas(), [given[1], given[1]], 'the browser’s own bar follows');
  await page.reload();
  await theme_is('dark');
  assert.equal(await ground(), dark);
});

for (const width of [360, 375, 768]) {
  page_test(`nothing scrolls sideways at ${width} px`, { context: { viewport: { width, height: 740 }, ...CALM } }, async (page) => {
    for (const [name, open] of Object.entries(SCENES)) {
      await open(page);
      const wide = await page.evaluate(() => {
        const boxes = [document.documentElement, ...document.querySelectorAll('dialog, #transcript, .dialog-body, .panel')];
        return boxes.filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.id || box.className || box.tagName);
      });
      assert.deepEqual(wide, [], name);
    }
  });
}

page_test('a title of ten thousand characters takes three lines', { needs: 'mock' }, async (page) => {
  await page.goto(site_url());
  const title = page.locator('.episode-title', { hasText: 'does not end' }).first();
  await title.waitFor();
  assert.ok((await title.boundingBox()).height < 100);
  await title.click();
  await page.locator('.passage').first().waitFor();
  assert.ok((await page.locator('#sheet-title').boundingBox()).height < 130);
  assert.ok((await page.locator('#transcript').boundingBox()).height > 250, 'there is room left to read');
});

page_test('a thumb can hit every control', { context: { viewport: { width: 360, height: 740 }, ...CALM } }, async (page) => {
  for (const name of ['results', 'sheet', 'filters']) {
    await SCENES[name](page);
    const small = await page.evaluate(() =>
      [...document.querySelectorAll('button, select, input:not([type=checkbox], [type=radio])')]
        .filter((control) => control.checkVisibility() && !control.closest('.skip') && (control.closest('dialog') || !document.querySelector('dialog[open]')))
        .map((control) => [control.id || control.className, control.getBoundingClientRect()])
        .filter(([, box]) => box.width > 0 && (box.height < 24 || box.width < 24))
        .map(([label, box]) => `${label} ${box.width}x${box.height}`),
    );
    assert.deepEqual(small, [], name);
  }
});

page_test('nothing moves while results come and when an episode opens', async (page) => {
  await page.addInitScript(() => {
    window.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await SCENES.sheet(page);
  const shift = await page.evaluate(() => window.shift);
  assert.ok(shift < 0.05, `cumulative layout shift ${shift}`);
});

page_test('the focus can be seen on every stop', async (page) => {
  await SCENES.results(page);
  await page.evaluate(() => document.activeElement.blur());
  for (let step = 0; step < 12; step++) {
    await page.keyboard.press('Tab');
    const seen = await page.evaluate(() => {
      const node = document.activeElement;
      if (node === document.body) return true;
      const style = getComputedStyle(node);
      const after = getComputedStyle(node, '::after');
      const line = node.closest('.search') && getComputedStyle(node.closest('.search')).boxShadow !== 'none';
      return style.outlineStyle !== 'none' || after.outlineStyle !== 'none' || line;
    });
    assert.ok(seen, `stop ${step + 1}`);
  }
});
