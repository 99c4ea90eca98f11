// Words and numbers as people read them.

const MONTHS = ['Jan.', 'Feb.', 'Mar.', 'Apr.', 'May', 'Jun.', 'Jul.', 'Aug.', 'Sep.', 'Oct.', 'Nov.', 'Dec.'];
const BLOCKS = new Set('P DIV BR LI UL OL H1 H2 H3 H4 H5 H6 BLOCKQUOTE TR HR'.split(' '));
const UNREAD = new Set(['SCRIPT', 'STYLE', 'TEMPLATE']); // what is inside them is no text

function ordinal(day) {
  const tens = day % 100;
  if (tens >= 11 && tens <= 13) return `${day}th`;
  return `${day}${{ 1: 'st', 2: 'nd', 3: 'rd' }[day % 10] ?? 'th'}`;
}

// A date from ISO text or milliseconds; an invalid one for what is neither, null and 0 among them: an episode whose feed
// gave no date is not from 1970.
function date_read(when) {
  return new Date(when || NaN);
}

// "Oct. 3rd, 2022", in UTC like every date of the archive; '' for what is no date.
export function date_label(when) {
  const date = date_read(when);
  if (Number.isNaN(date.getTime())) return '';
  return `${MONTHS[date.getUTCMonth()]} ${ordinal(date.getUTCDate())}, ${date.getUTCFullYear()}`;
}

// "YYYY-MM-DD" in UTC; '' for what is no date.
export function date_iso(when) {
  const date = date_read(when);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10);
}

// A <time> for a publishing date; null where there is none.
export function date_element(when) {
  if (!date_label(when)) return null;
  const element = document.createElement('time');
  element.dateTime = date_iso(when);
  element.textContent = date_label(when);
  return element;
}

// "MM:SS"; the minutes go past 59, as in the archive's own links.
export function time_label(ms) {
  const seconds = Math.max(0, Math.floor((Number(ms) || 0) / 1000));
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
}

// "1 h 12 min", "2 h", "42 min", "50 s".
export function duration_label(seconds) {
  if (!(seconds > 0)) return '';
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return [hours ? `${hours} h` : '', minutes % 60 ? `${minutes % 60} min` : ''].filter(Boolean).join(' ');
}

export function count_label(number) {
  return Number(number || 0).toLocaleString('en-GB');
}

export function plural(number, one, many = `${one}s`) {
  return `${count_label(number)} ${number === 1 ? one : many}`;
}

// "12 ms", "1.4 s".
export function span_label(ms) {
  const value = Math.max(0, Number(ms) || 0);
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return value < 1 ? 'under 1 ms' : `${Math.round(value)} ms`;
}

// The end of the tag that begins at `at`: past its ">", which does not count inside quotes. -1 where there is none.
function tag_end(source, at) {
  let quote = '';
  for (let place = at; place < source.length; place++) {
    const char = source[place];
    if (quote) {
      if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
    else if (char === '>') return place + 1;
  }
  return -1;
}

// The text between the tags, a line end for each block. Entities are left as they are.
function tags_drop(source) {
  const parts = [];
  const lower = source.toLowerCase();
  let quoted = true; // false once a quote was found open to the end: then only ">" is looked for, so the work stays linear
  let at = 0;
  while (at < source.length) {
    const open = source.indexOf('<', at);
    if (open < 0) break;
    parts.push(source.slice(at, open));
    const name = /^<\/?([a-z][a-z0-9]*)|^<[!?]/i.exec(source.slice(open, open + 16));
    if (!name) {
      parts.push('<');
      at = open + 1;
      continue;
    }
    const comment = source.startsWith('<!--', open);
    let end = comment ? source.indexOf('-->', open) + 3 : quoted ? tag_end(source, open) : -1;
    if (comment && end < 3) return parts.join('');
    if (end < 0) {
      quoted = false;
      end = source.indexOf('>', open) + 1;
    }
    if (end <= 0) return parts.join('');
    const tag = (name[1] ?? '').toUpperCase();
    if (BLOCKS.has(tag)) parts.push('\n');
    if (UNREAD.has(tag) && source[open + 1] !== '/') {
      const close = lower.indexOf(`</${tag.toLowerCase()}`, end);
      if (close < 0) return parts.join('');
      end = close;
    }
    at = end;
  }
  parts.push(source.slice(at));
  return parts.join('');
}

// What a feed's HTML says, without its markup. The tags go first; what the parser then sees is text and entities, with no
// attribute that the content security policy could even complain of. The parsed document is never shown.
export function text_from_html(html) {
  const source = String(html ?? '');
  if (!/[<&]/.test(source)) return source.trim();
  const bare = tags_drop(source).replaceAll('<', '&lt;');
  return new DOMParser()
    .parseFromString(bare, 'text/html')
    .body.textContent.replace(/[ \t\u00a0]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
