// The row of panels in the head of an episode: summary, share, download, settings. One is open at a time.

import { api_transcript_url } from './api.js';
import { el, fill, icon, stored_get, stored_set } from './dom.js';
import { text_from_html, time_label } from './text.js';

const KINDS = [
  ['srt', 'SRT', 'subtitles, with times'],
  ['vtt', 'VTT', 'subtitles for the web'],
  ['txt', 'Text', 'the words alone'],
];

export const SOURCE_OWN = 'transcribedFile';
export const SOURCE_FEED = 'rssFeedURL';

// Which recording is played: the one that was transcribed, or the feed's own address.
export function audio_source() {
  return stored_get('audioSource', SOURCE_OWN) === SOURCE_FEED ? SOURCE_FEED : SOURCE_OWN;
}

// Returns { element, row }. `options`: `moment()` the ms to share, `share_url(ms or null)`, `on_source()` after the
// recording was changed.
export function panels_make(episode, options) {
  const place = el('div', { class: 'panel', id: 'panel', hidden: true });
  const summary = text_from_html(episode.summary);
  const panels = [
    summary ? ['text', 'Summary', () => summary_panel(summary)] : null,
    ['share', 'Share', () => share_panel(episode, options)],
    ['download', 'Download', () => download_panel(episode)],
    ['settings', 'Settings', () => settings_panel(episode, options)],
  ].filter(Boolean);
  const buttons = panels.map(([drawing, label, make]) => {
    const button = el(
      'button',
      {
        type: 'button',
        class: 'panel-button',
        'aria-expanded': 'false',
        'aria-controls': 'panel',
        on: { click: () => show(button, make) },
      },
      icon(drawing),
      el('span', { text: label }),
    );
    return button;
  });

  function show(button, make) {
    const open = button.getAttribute('aria-expanded') === 'true';
    for (const other of buttons) other.setAttribute('aria-expanded', 'false');
    place.hidden = open;
    if (open) return;
    button.setAttribute('aria-expanded', 'true');
    fill(place, make());
  }
  return { element: place, row: el('div', { class: 'panel-row' }, buttons) };
}

function summary_panel(summary) {
  return el(
    'div',
    { class: 'panel-text' },
    summary.split(/\n+/).map((line) => el('p', { dir: 'auto', text: line })),
  );
}

function share_panel(episode, options) {
  const moment = options.moment();
  const at = el('input', { type: 'checkbox', id: 'share-at', prop: { checked: true } });
  const link = el('input', { type: 'text', class: 'field', id: 'share-link', readonly: true, 'aria-label': 'Link' });
  const said = el('p', { class: 'quiet', role: 'status' });
  const draw = () => (link.value = options.share_url(at.checked ? moment : null));
  at.addEventListener('change', draw);
  link.addEventListener('focus', () => link.select());
  draw();

  async function copy() {
    try {
      await navigator.clipboard.writeText(link.value);
      said.textContent = 'Link copied.';
    } catch {
      link.focus(); // not allowed here: the text is selected, ready to be copied by hand
      link.select();
      said.textContent = 'Press Ctrl+C or ⌘C to copy the link.';
    }
  }
  const share = () => navigator.share({ title: episode.title, url: link.value }).catch(() => {}); // called off by the reader

  return el(
    'div',
    { class: 'panel-share' },
    el(
      'div',
      { class: 'field-row' },
      link,
      el('button', { type: 'button', class: 'button', id: 'share-copy', text: 'Copy link', on: { click: copy } }),
      navigator.share
        ? el('button', { type: 'button', class: 'button button-quiet', text: 'Share…', on: { click: share } })
        : null,
    ),
    el('label', { class: 'check' }, at, el('span', { class: 'check-label', text: `Start at ${time_label(moment)}` })),
    said,
  );
}

function download_panel(episode) {
  return el(
    'ul',
    { class: 'panel-links' },
    KINDS.map(([kind, name, what]) =>
      el(
        'li',
        {},
        el('a', { href: api_transcript_url(episode, kind), download: `${episode.fileKey}.${kind}`, text: name }),
        el('span', { class: 'quiet', text: ` ${what}` }),
      ),
    ),
  );
}

function settings_panel(episode, options) {
  const choice = (value, label, detail) =>
    el(
      'label',
      { class: 'check' },
      el('input', {
        type: 'radio',
        name: 'audio-source',
        value,
        prop: { checked: audio_source() === value },
        on: {
          change: () => {
            stored_set('audioSource', value);
            options.on_source();
          },
        },
      }),
      el('span', { class: 'check-label', text: label }),
      el('span', { class: 'check-detail', text: detail }),
    );
  return el(
    'fieldset',
    { class: 'panel-settings' },
    el('legend', { text: 'Which recording to play' }),
    choice(SOURCE_OWN, 'The transcribed file', 'kept by this site; the times fit'),
    /^https?:/i.test(episode.originalAudioURL ?? '')
      ? choice(SOURCE_FEED, 'The podcast’s own feed', 'counts as a listen; advertisements may shift the times')
      : null,
  );
}
