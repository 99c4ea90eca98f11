// The parts of the pages that need no browser: addresses, marks, page numbers, places in a transcript.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { archive_bars } from '../../../console/site/archive.js';
import { marks_by_entry, marks_tidy } from '../../../console/site/marks.js';
import { pager_numbers } from '../../../console/site/results.js';
import { state_empty, state_params, state_parse, state_request, state_url } from '../../../console/site/state.js';
import { date_label, duration_label, span_label, time_label } from '../../../console/site/text.js';
import { place_find, target_find, words_align } from '../../../console/site/transcript.js';

const BASE = 'https://example.org/sites/tide/';

test('an address and a state say the same, both ways', () => {
  const state = {
    ...state_empty(),
    query: 'tide & mill "x"',
    sort: 'newest',
    page: 3,
    from: '2022-01-01',
    to: '2022-12-31',
    episodes: ['3', '40'],
    podcasts: ['a', 'b'],
    episode: 12,
    start: 61500,
  };
  const url = state_url(state, BASE);
  assert.match(url, /^https:\/\/example\.org\/sites\/tide\/episode\/12\?q=/);
  assert.deepEqual(state_parse(url, BASE), state);
});

test('defaults leave no trace in the address', () => {
  assert.equal(state_params(state_empty()), '');
  assert.equal(state_url(state_empty(), BASE), BASE);
});

test('nonsense in an address becomes the default', () => {
  const state = state_parse(`${BASE}?q=%20%20a%20&sort=loudest&page=-4&from=2022-02-31&to=soon&episodes=x,,7,7&start=9`, BASE);
  assert.deepEqual(state, { ...state_empty(), query: 'a', episodes: ['7'] });
  assert.equal(state_parse(`${BASE}episode/999999999999`, BASE).episode, null);
  assert.equal(state_parse(`${BASE}episode/5?start=1e9`, BASE).start, null);
});

test('a request carries the names of the search API', () => {
  const state = { ...state_empty(), query: 'tide', sort: 'oldest', page: 2, from: '2022-01-01', episodes: ['4'], podcasts: ['p'] };
  assert.deepEqual(state_request(state), {
    query: 'tide',
    limit: 25,
    offset: 25,
    searchFields: ['text'],
    sortBy: 'episodePublishedUnixTimestamp',
    sortOrder: 'ASC',
    startDate: '2022-01-01',
    episodeIds: ['4'],
    podcastIds: ['p'],
  });
});

test('marks are put in order, cut and joined', () => {
  assert.deepEqual(marks_tidy([[5, 8], [0, 2], [7, 99], [3, 3], ['a', 2], null, [-4, 1]], 10), [[0, 2], [5, 10]]);
  assert.deepEqual(marks_tidy(undefined, 10), []);
});

test('marks of a hit over two passages reach both', () => {
  const entries = [
    { startTimeMs: 0, endTimeMs: 10, text: 'the tide' },
    { startTimeMs: 10, endTimeMs: 20, text: 'is at the mill' },
    { startTimeMs: 20, endTimeMs: 30, text: 'the tide' },
  ];
  const hit = { startTimeMs: 0, endTimeMs: 20, text: 'the tide is at the mill', marks: [[4, 8], [19, 23]] };
  const found = marks_by_entry(entries, [hit]);
  assert.deepEqual([...found], [[0, [[4, 8]]], [1, [[10, 14]]]]);
});

test('page numbers keep three near, the ends, and gaps', () => {
  assert.deepEqual(pager_numbers(1, 2), [1, 2]);
  assert.deepEqual(pager_numbers(1, 9), [1, 2, 3, null, 9]);
  assert.deepEqual(pager_numbers(5, 9), [1, null, 4, 5, 6, null, 9]);
  assert.deepEqual(pager_numbers(9, 9), [1, null, 7, 8, 9]);
});

test('the passage that a time means', () => {
  const entries = [{ startTimeMs: 0 }, { startTimeMs: 9000 }, { startTimeMs: 20000 }];
  assert.equal(target_find(entries, 8600), 1);
  assert.equal(target_find(entries, 8400), 0);
  assert.equal(target_find(entries, 9300), 1);
  assert.equal(target_find(entries, 99999), 2);
  assert.equal(target_find([], 5), 0);
  assert.equal(place_find(entries, 'startTimeMs', -1), -1);
});

test('spoken words are found in a text that was corrected', () => {
  const words = ['He', 'met', 'Jon', 'twice,', 'he', 'said'].map((w, at) => ({ w: ` ${w}`, s: at * 100, e: at * 100 + 90 }));
  const text = 'He met John twice, he said';
  assert.deepEqual(
    words_align(text, words).map((span) => text.slice(span.from, span.to)),
    ['He', 'met', 'twice,', 'he', 'said'],
  );
});

test('dates, times and spans read well', () => {
  assert.equal(date_label('2022-10-03T23:59:59Z'), 'Oct. 3rd, 2022');
  assert.equal(date_label(Date.UTC(2023, 4, 11)), 'May 11th, 2023');
  assert.equal(date_label('2023-06-22'), 'Jun. 22nd, 2023');
  assert.equal(date_label('never'), '');
  assert.equal(date_label(null), '');
  assert.equal(date_label(0), '');
  assert.equal(time_label(61500), '01:01');
  assert.equal(time_label(3 * 3600000 + 4000), '180:04');
  assert.equal(duration_label(4321), '1 h 12 min');
  assert.equal(duration_label(7200), '2 h');
  assert.equal(duration_label(2520), '42 min');
  assert.equal(span_label(0.2), 'under 1 ms');
  assert.equal(span_label(1440), '1.4 s');
});

test('bars of the archive cover every episode, however long it runs', () => {
  const episodes = Array.from({ length: 40 }, (_, at) => ({ publishedAt: new Date(Date.UTC(1990 + at, 5, 1)).toISOString(), durationInSeconds: 60 }));
  const bars = archive_bars([...episodes, { publishedAt: 'no date' }]);
  assert.ok(bars.length <= 120);
  assert.equal(bars.reduce((sum, bar) => sum + bar.episodes, 0), 40);
});
