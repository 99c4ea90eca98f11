// The player of the episode sheet: play and pause, 15 seconds either way, a line to seek on, speed.

import { el, fill, icon, stored_get, stored_set } from './dom.js';
import { time_label } from './text.js';

export const STEP_MS = 15000;
const SPEEDS = ['0.75', '1', '1.25', '1.5', '1.75', '2'];

// A player for one episode. `length_ms` is what the manifest says until the recording itself is known; `on_time(ms)` is
// called when the place changes, many times a second while it plays; `on_failure()` when the recording does not load.
export function player_make({ title, artist, length_ms, on_time, on_failure }) {
  const audio = el('audio', { preload: 'metadata' });
  let pending = null; // where to start once the recording's head has been read, in ms
  let frame = 0;
  let said = ''; // the times as last written; they change once a second, the line with every frame

  const play = el('button', { type: 'button', class: 'play', id: 'play', on: { click: toggle } });
  const now = el('span', { class: 'player-now' });
  const end = el('span', { class: 'player-end' });
  const line = el('input', {
    type: 'range',
    class: 'player-line',
    id: 'seek',
    min: 0,
    step: 'any',
    'aria-label': 'Place in the episode',
    on: { input: () => seek(Number(line.value) * 1000) },
  });
  const ticks = el('div', { class: 'player-ticks', 'aria-hidden': 'true' });
  const speed = el(
    'select',
    { class: 'player-speed', id: 'speed', 'aria-label': 'Speed', on: { change: speed_apply } },
    SPEEDS.map((value) => el('option', { value, text: `${value}×` })),
  );
  const notice = el('p', { class: 'player-notice', role: 'alert', hidden: true });
  const element = el(
    'div',
    { class: 'player', role: 'group', 'aria-label': 'Player' },
    notice,
    el('div', { class: 'player-track' }, ticks, line),
    el(
      'div',
      { class: 'player-row' },
      el('p', { class: 'player-times' }, now, el('span', { class: 'player-of', text: '/' }), end),
      el(
        'div',
        { class: 'player-buttons' },
        step_button('Back 15 seconds', '−15', -STEP_MS),
        play,
        step_button('On 15 seconds', '+15', STEP_MS),
      ),
      el('label', { class: 'player-side' }, speed),
    ),
    audio,
  );

  function step_button(label, text, by) {
    return el('button', { type: 'button', class: 'step', 'aria-label': label, title: label, text, on: { click: () => step(by) } });
  }

  const duration = () => (Number.isFinite(audio.duration) ? audio.duration * 1000 : length_ms || 0);
  const time = () => (pending !== null ? pending : audio.currentTime * 1000);

  function seek(ms) {
    const most = duration();
    const to = Math.max(0, most > 0 ? Math.min(ms, most) : ms);
    if (audio.readyState >= HTMLMediaElement.HAVE_METADATA) {
      pending = null;
      audio.currentTime = to / 1000;
    } else {
      pending = to;
    }
    draw();
  }

  const step = (by) => seek(time() + by);

  function start() {
    audio.play().catch((error) => {
      if (error.name === 'NotAllowedError') draw(); // the browser wants a press on the button first
    });
  }

  function toggle() {
    if (audio.paused) start();
    else audio.pause();
  }

  function speed_apply() {
    audio.playbackRate = Number(speed.value);
    audio.defaultPlaybackRate = audio.playbackRate;
    stored_set('playbackSpeed', speed.value);
  }

  function draw() {
    const ms = time();
    const most = duration();
    line.max = String(Math.max(1, most / 1000));
    line.value = String(ms / 1000);
    const saying = `${time_label(ms)} of ${most ? time_label(most) : '--:--'}`;
    if (saying !== said) {
      said = saying;
      now.textContent = time_label(ms);
      end.textContent = most ? time_label(most) : '--:--';
      line.setAttribute('aria-valuetext', saying);
    }
    line.style.setProperty('--at', `${most ? Math.min(100, (ms / most) * 100).toFixed(2) : 0}%`);
    on_time(ms, !audio.paused);
  }

  // While it plays, every frame: words need more than the four calls a second that "timeupdate" gives.
  function run() {
    cancelAnimationFrame(frame);
    draw();
    if (!audio.paused && !audio.ended) frame = requestAnimationFrame(run);
  }

  function button_draw() {
    const label = audio.paused ? 'Play' : 'Pause';
    fill(play, icon(audio.paused ? 'play' : 'pause'));
    play.setAttribute('aria-label', label);
    play.title = label;
    element.dataset.playing = String(!audio.paused);
    run();
  }

  audio.addEventListener('loadedmetadata', () => {
    notice.hidden = true;
    if (pending !== null) {
      const to = pending;
      pending = null;
      seek(to);
    }
    draw();
  });
  audio.addEventListener('timeupdate', draw);
  audio.addEventListener('seeked', draw);
  for (const event of ['play', 'pause', 'ended']) audio.addEventListener(event, button_draw);
  audio.addEventListener('error', () => {
    if (!audio.getAttribute('src')) return; // taken away on purpose
    on_failure();
  });

  // `start_ms` is where it will begin; `playing` begins at once where the browser allows it.
  function load(url, start_ms, playing) {
    pending = start_ms;
    notice.hidden = true;
    audio.src = url;
    speed_apply();
    draw();
    if (playing) start();
  }

  // Shows what went wrong, with something to press.
  function fail(message, ...actions) {
    fill(notice, message, ' ', actions);
    notice.hidden = false;
  }

  function marks_set(times) {
    const most = duration();
    fill(
      ticks,
      most
        ? times.filter((ms) => ms <= most).map((ms) => {
            const tick = el('span', { class: 'player-tick' });
            tick.style.setProperty('--at', `${((ms / most) * 100).toFixed(2)}%`);
            return tick;
          })
        : null,
    );
  }

  function close() {
    cancelAnimationFrame(frame);
    audio.pause();
    audio.removeAttribute('src');
    audio.load(); // lets go of the connection
    if ('mediaSession' in navigator) navigator.mediaSession.metadata = null;
  }

  if ('mediaSession' in navigator) {
    navigator.mediaSession.metadata = new MediaMetadata({ title, artist });
    navigator.mediaSession.setActionHandler('seekbackward', () => step(-STEP_MS));
    navigator.mediaSession.setActionHandler('seekforward', () => step(STEP_MS));
  }

  const stored = stored_get('playbackSpeed', '1');
  speed.value = SPEEDS.includes(stored) ? stored : '1';
  button_draw();
  return { element, audio, load, seek, step, start, toggle, time, fail, marks_set, close };
}

