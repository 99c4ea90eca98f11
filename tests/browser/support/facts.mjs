// What the tests may rely on in the made-up world of mock_data.mjs.

import { HOSTILE_TITLE } from './mock_data.mjs';

export const MOCK_FACTS = {
  site: 'tide-tables',
  query: 'tide mill',
  common: 'tide',
  misspelt: { query: 'herrring', corrected: 'herring' },
  nothing: 'xylophone',
  shows: { site: 'harbour-radio', query: 'ferry', podcast: 'night-watch', title: 'Night Watch', other: 'The Morning Desk' },
  dates: { from: '2023-01-01', to: '2023-06-30' },
  hostile: { query: 'onerror', episode: 57, title: HOSTILE_TITLE },
  spoken: { episode: 60 },
  long: { episode: 58, start: 9000000 },
};
