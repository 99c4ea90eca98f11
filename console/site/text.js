// Words and numbers as people read them.

const MONTHS = ['Jan.', 'Feb.', 'Mar.', 'Apr.', 'May', 'Jun.', 'Jul.', 'Aug.', 'Sep.', 'Oct.', 'Nov.', 'Dec.'];
const BLOCKS = new Set(['P', 'DIV', 'BR', 'LI', 'UL', 'OL', 'H1', 'H2', 'H3', 'H4', 'H5', 'H6', 'BLOCKQUOTE', 'TR', 'HR']);

function ordinal(day) {
  const tens = day % 100;
  if (tens >= 11 && tens <= 13) return `${day}th`;
  return `${day}${{ 1: 'st', 2: 'nd', 3: 'rd' }[day % 10] ?? 'th'}`;
}

// "Oct. 3rd, 2022", in UTC like every date of the archive; '' for what is no date.
export function date_label(when) {
  const date = new Date(when);
  if (Number.isNaN(date.getTime())) return '';
  return `${MONTHS[date.getUTCMonth()]} ${ordinal(date.getUTCDate())}, ${date.getUTCFullYear()}`;
}

// "YYYY-MM-DD" in UTC; '' for what is no date.
export function date_iso(when) {
  const date = new Date(when);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10);
}

// A <time> for a publishing date.
export function date_element(when) {
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

// "1 h 12 min", "42 min", "50 s".
export function duration_label(seconds) {
  if (!(seconds > 0)) return '';
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
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

// What a feed's HTML says, without its markup. The parsed document is never shown and runs nothing; style attributes
// are dropped first because the content security policy reports them even there.
export function text_from_html(html) {
  const source = String(html ?? '');
  if (!/[<&]/.test(source)) return source.trim();
  const tame = source.replace(/\sstyle\s*=/gi, ' data-was=').replace(/<style/gi, '<data');
  const parsed = new DOMParser().parseFromString(tame, 'text/html');
  const parts = [];
  const walk = (node) => {
    for (const child of node.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) parts.push(child.data);
      else if (child.nodeType === Node.ELEMENT_NODE && !['SCRIPT', 'TEMPLATE', 'NOSCRIPT'].includes(child.tagName)) {
        walk(child);
        if (BLOCKS.has(child.tagName)) parts.push('\n');
      }
    }
  };
  walk(parsed.body);
  return parts
    .join('')
    .replace(/[ \t\u00a0]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
