// The drawer behind the "i": what this page is, how the words came to be, how fresh they are, and the keys.

import { dialog_make, dialog_show } from './dialog.js';
import { el } from './dom.js';
import { date_label, plural } from './text.js';

const STALE_DAYS = 7;
const KEYS = [
  [['/'], 'go to the search line'],
  [['j', 'k'], 'next and previous result (the arrows too)'],
  [['Enter'], 'open the result'],
  [['p'], 'open it and play'],
  [['Space', 'k'], 'play and pause, in an episode'],
  [['←', '→'], '15 seconds back and on'],
  [['n', 'N'], 'next and previous place where your words are said'],
  [['Esc'], 'close'],
];

function keys_view() {
  return el(
    'dl',
    { class: 'keys' },
    KEYS.map(([keys, what]) =>
      el(
        'div',
        {},
        el(
          'dt',
          {},
          keys.map((key) => el('kbd', { text: key })),
        ),
        el('dd', { text: what }),
      ),
    ),
  );
}

function block(title, ...body) {
  return el('section', { class: 'block' }, el('h3', { text: title }), ...body);
}

function updated_view(when) {
  const date = new Date(when || NaN);
  if (Number.isNaN(date.getTime())) return null;
  const clock = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  const stale = Date.now() - date.getTime() > STALE_DAYS * 86400000;
  return el(
    'p',
    {},
    'Episodes updated @ ',
    el('time', { datetime: date.toISOString(), text: `${date_label(date)}, ${clock}` }),
    stale ? '. That is more than a week ago: either the show is resting, or the updates are.' : '.',
  );
}

// `site` as in site.json, or null on the home page.
export function info_open(site, about) {
  const header = site?.appHeader;
  dialog_show(
    dialog_make(
      { name: 'info', title: 'About this page', kind: 'drawer' },
      el(
        'div',
        { class: 'dialog-body' },
        block('What it does', el('p', { text: about })),
        header?.includeAIUseDisclosure
          ? block(
              'How the words came here',
              el('p', {
                text: 'The transcripts were written by a speech recognition model, not by a person. Names, numbers and words spoken over one another may be wrong: listen to the moment before you quote it.',
              }),
            )
          : null,
        site
          ? block(
              'How fresh it is',
              updated_view(site.lastUpdated),
              site.episodeCount ? el('p', { text: `${plural(site.episodeCount, 'episode')} can be searched.` }) : null,
              el('p', {}, el('a', { href: 'feed.xml', text: 'Feed with transcripts' })),
            )
          : null,
        block('Keys', keys_view()),
      ),
    ),
  );
}
