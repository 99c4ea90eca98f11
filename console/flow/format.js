// Names, times and states in words.

// Status of executions and of states: word, mark (an outline on a 16 by 16 grid) and tone.
export const STATUSES = {
  running: { word: 'running', tone: 'active', mark: 'M8 2.5a5.5 5.5 0 1 1-5.5 5.5M8 5v3l2 1.5' },
  waiting: { word: 'waiting', tone: 'active', mark: 'M4.5 2.5h7M4.5 13.5h7M5.5 2.5c0 4 5 4 5 11M10.5 2.5c0 4-5 4-5 11' },
  retrying: { word: 'trying again', tone: 'warn', mark: 'M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3' },
  succeeded: { word: 'succeeded', tone: 'good', mark: 'M3.5 8.5l3 3 6-7' },
  caught: { word: 'failed, caught', tone: 'warn', mark: 'M8 2.5 14 13H2zM8 6.5v3M8 11.2v.2' },
  failed: { word: 'failed', tone: 'bad', mark: 'M4 4l8 8M12 4l-8 8' },
  timed_out: { word: 'timed out', tone: 'bad', mark: 'M8 2.5a5.5 5.5 0 1 1-5.5 5.5M8 8 4 4M8 8h3' },
  aborted: { word: 'stopped', tone: 'quiet', mark: 'M4.5 4.5h7v7h-7z' },
  pending: { word: 'not begun', tone: 'none', mark: 'M3.5 8h9' },
};

const SERVICE_STATUS = {
  RUNNING: 'running',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  TIMED_OUT: 'timed_out',
  ABORTED: 'aborted',
  PENDING_REDRIVE: 'retrying',
};
export const status_of = (service) => SERVICE_STATUS[service] ?? 'pending';

// "arn:aws:states:r:a:stateMachine:night" gives "night"; of an execution, its own name.
export const arn_name = (arn) => String(arn ?? '').split(':').slice(6).join(':') || String(arn ?? '');
export const execution_name = (arn) => String(arn ?? '').split(':').slice(7).join(':') || arn_name(arn);
export function machine_of(execution_arn) {
  const parts = String(execution_arn).split(':');
  return [...parts.slice(0, 5), 'stateMachine', parts[6]?.split('/')[0]].join(':');
}

export const seconds_of = (time) => (typeof time === 'number' ? time : Date.parse(time) / 1000);

const FULL = new Intl.DateTimeFormat('en-GB', { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
export function time_text(time) {
  const seconds = seconds_of(time);
  return Number.isFinite(seconds) ? FULL.format(new Date(seconds * 1000)) : '';
}

// "340 ms", "12.4 s", "3 min 5 s", "2 h 4 min", "3 d 2 h".
export function span_text(seconds) {
  if (!Number.isFinite(seconds)) return '';
  if (seconds < 1) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

export function ago_text(time, now = Date.now() / 1000) {
  const seconds = now - seconds_of(time);
  if (!Number.isFinite(seconds)) return '';
  if (seconds < 5) return 'just now';
  const units = [
    [86400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const [size, unit] = units.find(([least]) => seconds >= least);
  return `${Math.floor(seconds / size)} ${unit} ago`;
}

export const count_text = (count, one, many = `${one}s`) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

// JSON text set out over lines; what is no JSON stays as it is.
export function json_pretty(text) {
  if (typeof text !== 'string') return text === undefined ? '' : JSON.stringify(text, null, 2);
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// "TaskStateEntered" gives "Task state entered".
export const type_text = (type) => type.replace(/([a-z])([A-Z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`);

// A name for a new execution.
export const name_make = () => crypto.randomUUID?.() ?? `run-${Date.now()}`;

// Where a page of the console is.
export function page_url(page, params = {}) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) if (value !== null && value !== undefined && value !== '') query.set(key, value);
  return query.size ? `${page}?${query}` : page;
}
