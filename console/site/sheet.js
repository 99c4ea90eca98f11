// An episode, over the search page: its title, the panels, the transcript following along, and the player.

import { api_audio_url, api_mentions, api_transcript, api_words } from './api.js';
import { dialog_dismissable } from './dialog.js';
import { el, fill, icon, icon_button, is_typing, stored_set } from './dom.js';
import { marks_by_entry } from './marks.js';
import { SOURCE_FEED, SOURCE_OWN, audio_source, panels_make } from './panels.js';
import { player_make, STEP_MS } from './player.js';
import { date_element, duration_label, plural } from './text.js';
import { transcript_make } from './transcript.js';

const MENTIONS_MAX = 500;

// Opens the sheet of `episode` (a row of the manifest). `options`: `podcast` (its title), `show_podcast`, `query` (words
// to find in it, or ''), `start` (ms, or null), `playing` (begin at once), `share_url(ms or null)`, `on_dismiss()` when the
// reader closes it, `on_moment(ms)` when the reader goes to another moment.
export function sheet_open(episode, options) {
  const calls = new AbortController();
  const { signal } = calls;
  const place = el('div', { class: 'sheet-middle' });
  const mentions = el('div', { class: 'mentions', hidden: true });
  const back = el(
    'button',
    { type: 'button', class: 'button follow', id: 'follow', hidden: true, on: { click: () => transcript?.resume() } },
    icon('follow'),
    'Follow along',
  );
  let transcript = null;
  let hits = [];
  let hit_at = -1;
  let moment = options.start;

  const player = player_make({
    title: episode.title,
    artist: options.podcast,
    length_ms: (Number(episode.durationInSeconds) || 0) * 1000,
    on_time: (ms, playing) => transcript?.follow(ms, playing),
    on_failure: audio_failed,
  });
  const panels = panels_make(episode, {
    moment: () => {
      const now = player.time();
      return moment !== null && Math.abs(now - moment) < 1000 ? moment : Math.floor(now / 1000) * 1000;
    },
    share_url: options.share_url,
    on_source: () => player.load(audio_url(), player.time(), false),
  });
  const title = el('h2', { class: 'sheet-title', id: 'sheet-title', dir: 'auto', tabindex: '-1', text: episode.title });
  const dialog = el(
    'dialog',
    { class: 'sheet', id: 'sheet', 'aria-labelledby': 'sheet-title' },
    el(
      'div',
      { class: 'sheet-head' },
      el(
        'div',
        { class: 'sheet-top' },
        el(
          'p',
          { class: 'sheet-meta' },
          options.show_podcast ? el('span', { class: 'hit-source', text: options.podcast }) : null,
          date_element(episode.publishedAt),
          el('span', { text: duration_label(episode.durationInSeconds) }),
        ),
        icon_button('close', 'Close episode', options.on_dismiss),
      ),
      title,
      panels.row,
      panels.element,
    ),
    place,
    player.element,
  );

  const audio_url = () => (audio_source() === SOURCE_FEED ? episode.originalAudioURL : api_audio_url(episode));

  function audio_failed() {
    const again = el('button', {
      type: 'button',
      class: 'link',
      text: 'Try again',
      on: { click: () => player.load(audio_url(), player.time(), true) },
    });
    const other = audio_source() === SOURCE_OWN ? SOURCE_FEED : SOURCE_OWN;
    const turn = el('button', {
      type: 'button',
      class: 'link',
      text: other === SOURCE_FEED ? 'Play from the podcast’s own feed' : 'Play the transcribed file',
      on: {
        click: () => {
          stored_set('audioSource', other);
          player.load(audio_url(), player.time(), true);
        },
      },
    });
    player.fail('The recording could not be loaded.', again, ' ', turn);
  }

  // Goes to a moment: the recording, the passage and the address.
  function moment_set(ms) {
    moment = ms;
    player.seek(ms);
    transcript?.target_set(ms);
  }

  async function transcript_load() {
    fill(place, el('p', { class: 'sheet-wait', role: 'status', text: 'Loading the transcript…' }));
    let entries;
    try {
      entries = await api_transcript(episode, { signal });
    } catch (error) {
      if (signal.aborted) return;
      if (error.status !== 404) {
        transcript_failed(error);
        return;
      }
      entries = []; // not written yet
    }
    transcript = transcript_make({
      entries,
      on_seek: (ms) => {
        moment = ms;
        player.seek(ms);
        options.on_moment(ms);
      },
      on_follow: (following) => (back.hidden = following),
    });
    fill(place, mentions, transcript.element, back);
    if (!entries.length) fill(transcript.element, el('p', { class: 'sheet-wait', text: 'This episode has no transcript yet.' }));
    transcript.target_set(moment ?? 0);
    extras_load(entries);
  }

  function transcript_failed(error) {
    fill(
      place,
      el(
        'div',
        { class: 'notice', role: 'alert' },
        el('p', { text: error.message }),
        el('button', { type: 'button', class: 'button', text: 'Try again', on: { click: transcript_load } }),
      ),
    );
  }

  // Word times and the places where the words searched for are said; the sheet works without either.
  async function extras_load(entries) {
    const [words, found] = await Promise.allSettled([
      api_words(episode, { signal }),
      options.query ? api_mentions(options.query, episode.sequentialId, MENTIONS_MAX, { signal }) : [],
    ]);
    if (signal.aborted) return;
    if (words.value) transcript.words_set(words.value);
    hits = found.value ?? [];
    if (!hits.length) return;
    transcript.marks_set(marks_by_entry(entries, hits));
    player.marks_set(hits.map((hit) => hit.startTimeMs));
    player.audio.addEventListener('loadedmetadata', () => player.marks_set(hits.map((hit) => hit.startTimeMs)));
    hit_at = hits.findIndex((hit) => Math.abs(hit.startTimeMs - (moment ?? -1)) <= 500);
    mentions_draw();
  }

  function mentions_draw() {
    mentions.hidden = false;
    const all = plural(hits.length, 'mention');
    const place_text = hit_at >= 0 && hits.length > 1 ? `${hit_at + 1} of ${all}` : all;
    fill(
      mentions,
      el('p', { class: 'mentions-count', role: 'status' }, place_text, el('span', { class: 'quiet', text: ` of “${options.query}”` })),
      icon_button('up', 'Previous mention', () => mention_go(-1)),
      icon_button('down', 'Next mention', () => mention_go(1)),
    );
  }

  function mention_go(by) {
    if (!hits.length) return;
    const label = document.activeElement?.getAttribute('aria-label');
    hit_at = (hit_at + by + (hit_at < 0 && by < 0 ? 1 : 0) + hits.length) % hits.length;
    moment_set(hits[hit_at].startTimeMs);
    options.on_moment(moment);
    mentions_draw();
    if (label) mentions.querySelector(`[aria-label="${CSS.escape(label)}"]`)?.focus();
  }

  dialog.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || is_typing(event.target)) return;
    const pressable = event.target.closest?.('button, a, input, select, summary');
    const actions = {
      k: player.toggle,
      ArrowLeft: () => player.step(-STEP_MS),
      ArrowRight: () => player.step(STEP_MS),
      n: () => mention_go(1),
      N: () => mention_go(-1),
    };
    if (!pressable || event.target.type === 'range') actions[' '] = player.toggle;
    const action = event.target.type === 'radio' ? null : actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  dialog_dismissable(dialog, options.on_dismiss);

  document.body.append(dialog);
  dialog.showModal();
  title.focus();
  player.load(audio_url(), options.start ?? 0, options.playing);
  transcript_load();

  return {
    id: episode.sequentialId,
    // The address has moved to another moment (the back button, say).
    show(ms, playing) {
      if (ms !== null && ms !== moment) moment_set(ms);
      if (playing) player.start();
    },
    close() {
      calls.abort();
      transcript?.close();
      player.close();
      dialog.close();
      dialog.remove();
    },
  };
}
