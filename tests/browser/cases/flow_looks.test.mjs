// The console for everybody: names, roles and contrast, light and dark, a narrow phone, the keyboard alone.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { case_open } from '../support/case.mjs';
import { console_url, execution_url, flow, flow_test, machine_url, state_at } from '../support/flow_case.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

case_open();

const SCENES = {
  machines: async (page) => {
    await page.goto(console_url('machines'));
    await page.locator('tbody .status').first().waitFor();
  },
  machine: async (page) => {
    await page.goto(machine_url('night-run'));
    await page.locator('.graph .state').first().click();
    await page.locator('.executions tbody tr').first().waitFor();
  },
  running: async (page) => {
    flow().grow('tonight', 60);
    await page.goto(execution_url('night-run', 'tonight'));
    await state_at(page, 'ReadSites', 'succeeded').waitFor();
  },
  failed: async (page) => {
    await page.goto(execution_url('night-run', 'broken', '&state=BuildIndex'));
    await page.locator('.panel .fault').waitFor();
  },
  iterations: async (page) => {
    await page.goto(execution_url('night-run', 'well', '&state=ForEachEpisode'));
    await page.locator('.iterations [role="option"]').nth(2).click();
    await page.locator('.scope-note').waitFor();
  },
  event: async (page) => {
    await page.goto(execution_url('night-run', 'well'));
    await page.locator('.events [role="option"]').nth(4).click();
    await page.locator('.event-detail .data').waitFor();
  },
  start: async (page) => {
    await page.goto(machine_url('night-run'));
    await page.getByRole('button', { name: 'Start' }).click();
    await page.locator('#start-input').fill('{');
  },
  editor: async (page) => {
    await page.goto(machine_url('night-run', 'edit'));
    await page.locator('.verdict[data-tone]').waitFor();
    const area = page.locator('textarea.code-area');
    await area.fill((await area.inputValue()).replace('"Next": "Publish"', '"Next": "Publisher"'));
    await page.locator('.problem').waitFor();
  },
  new: async (page) => {
    await page.goto(console_url('new'));
    await page.locator('.graph .state').first().waitFor();
  },
  'map run': async (page) => {
    await page.goto(console_url(`map-run?arn=${encodeURIComponent(flow().run)}`));
    await page.locator('.executions tbody tr').first().waitFor();
  },
  schedules: async (page) => {
    await page.goto(console_url('schedules'));
    await page.locator('tbody code').first().waitFor();
  },
  activities: async (page) => {
    await page.goto(console_url('activities'));
    await page.locator('tbody tr').first().waitFor();
  },
  'no page': async (page) => {
    await page.goto(console_url('nothing'));
    await page.locator('h1').waitFor();
  },
};
const CALM = { reducedMotion: 'reduce' };

for (const colorScheme of ['light', 'dark']) {
  for (const [name, open] of Object.entries(SCENES)) {
    flow_test(`${name}, ${colorScheme}: names, roles and contrast hold`, { context: { colorScheme, ...CALM } }, async (page) => {
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

for (const [name, open] of Object.entries(SCENES)) {
  flow_test(`${name}: fits a narrow phone`, { context: { viewport: { width: 375, height: 760 }, hasTouch: true, ...CALM } }, async (page) => {
    await open(page);
    const wide = await page.evaluate(() => {
      const out = [];
      for (const node of document.querySelectorAll('body *')) {
        if (node.closest('svg, .table-around, .vlist, .nav, pre, .code, .visually-hidden')) continue;
        const { left, right, width } = node.getBoundingClientRect();
        if (width && (right > innerWidth + 1 || left < -1)) out.push(`${node.tagName}.${node.className} ${Math.round(left)}..${Math.round(right)}`);
      }
      return { out, scroll: document.documentElement.scrollWidth - innerWidth };
    });
    assert.deepEqual(wide, { out: [], scroll: wide.scroll > 0 ? 0 : wide.scroll });
  });
}

// The contrast of the drawn texts, which axe does not look into: as WCAG 2.2 defines it, of the colours as painted.
for (const colorScheme of ['light', 'dark']) {
  flow_test(`the picture can be read, ${colorScheme}`, { context: { colorScheme, ...CALM } }, async (page) => {
    await SCENES.failed(page);
    const ratios = await page.evaluate(() => {
      const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
      const luminance = (...colours) => {
        for (const colour of colours) {
          context.fillStyle = colour;
          context.fillRect(0, 0, 1, 1);
        }
        const parts = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
      };
      const ratio = (one, other) => {
        const [low, high] = [one, other].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
      };
      const ground = getComputedStyle(document.querySelector('.graph')).backgroundColor;
      const found = [];
      for (const group of document.querySelectorAll('.graph .state')) {
        const box = getComputedStyle(group.querySelector('.state-box'));
        const inside = luminance(ground, box.fill);
        for (const text of group.querySelectorAll('.state-name, .state-caption')) found.push([text.textContent, ratio(inside, luminance(getComputedStyle(text).fill)), 4.5]);
        const mark = group.querySelector('.mark');
        if (getComputedStyle(mark).display !== 'none') found.push([`${group.dataset.status} mark`, ratio(luminance(getComputedStyle(mark.querySelector('circle')).fill), luminance(getComputedStyle(mark.querySelector('path')).stroke)), 3]);
        const tag = group.querySelector('.tag-on');
        if (tag) found.push(['tag', ratio(luminance(getComputedStyle(tag.querySelector('rect')).fill), luminance(getComputedStyle(tag.querySelector('text')).fill)), 4.5]);
        found.push([`rim of ${group.dataset.status}`, ratio(luminance(ground), luminance(ground, box.stroke)), 3]);
      }
      for (const text of document.querySelectorAll('.edge-label')) found.push([text.textContent, ratio(luminance(ground), luminance(getComputedStyle(text).fill)), 4.5]);
      return found;
    });
    assert.ok(ratios.length > 50);
    assert.deepEqual(ratios.filter(([, ratio, least]) => ratio < least), []);
  });
}

flow_test('every status has a mark and a word of its own', { context: CALM }, async (page) => {
  await page.goto(console_url('machines'));
  const statuses = await page.evaluate(async () => {
    const main = document.querySelector('script[type="module"]').src;
    const { STATUSES } = await import(new URL('format.js', main).href);
    return Object.values(STATUSES).map(({ word, mark }) => [word, mark]);
  });
  assert.ok(statuses.length >= 8);
  assert.equal(new Set(statuses.map(([word]) => word)).size, statuses.length);
  assert.equal(new Set(statuses.map(([, mark]) => mark)).size, statuses.length);
});

flow_test('the picture is walked by the keyboard alone', { context: CALM }, async (page) => {
  await SCENES.failed(page);
  await page.goto(execution_url('night-run', 'broken'));
  await state_at(page, 'BuildIndex', 'failed').waitFor();
  const here = () => page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? '');
  for (let step = 0; step < 30 && !(await here()).startsWith('ReadSites,'); step++) await page.keyboard.press('Tab');
  assert.match(await here(), /^ReadSites, Task, succeeded/);
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement.parentNode.querySelector('.state-box')).outlineStyle), 'none');
  await page.keyboard.press('ArrowDown');
  assert.match(await here(), /^AnySites,/);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  const name = (await here()).split(',')[0];
  await page.keyboard.press('Enter');
  await page.locator('.panel-title', { hasText: name }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.panel-title').waitFor({ state: 'detached' });
  await page.keyboard.press('End');
  assert.notEqual((await here()).split(',')[0], name);
  // One stop for the whole picture: Tab leads out of it.
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.closest('svg')), null);
});

flow_test('the focus can be seen on every stop', { context: CALM }, async (page) => {
  await SCENES.machine(page);
  await page.evaluate(() => document.activeElement.blur());
  for (let step = 0; step < 25; step++) {
    await page.keyboard.press('Tab');
    const seen = await page.evaluate(() => {
      const node = document.activeElement;
      const box = node.closest('.state')?.querySelector('.state-box');
      return node === document.body || getComputedStyle(node).outlineStyle !== 'none' || (box && getComputedStyle(box).outlineStyle !== 'none') ? '' : node.outerHTML.slice(0, 120);
    });
    assert.equal(seen, '');
  }
});

flow_test('motion stops where calm is asked for', { context: CALM }, async (page) => {
  await SCENES.running(page);
  const moving = await page.evaluate(() => document.getAnimations().filter((one) => one.playState === 'running').length);
  assert.equal(moving, 0);
});

flow_test('the theme is one for all pages of the program', async (page) => {
  await page.goto(console_url('machines'));
  const before = await page.evaluate(() => document.documentElement.dataset.theme);
  await page.getByRole('button', { name: 'Light or dark' }).click();
  await page.goto(new URL('/', page.url()).href);
  assert.notEqual(await page.evaluate(() => document.documentElement.dataset.theme), before);
});
