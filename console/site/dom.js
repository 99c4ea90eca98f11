// Making elements. Text becomes text nodes and nothing else: no function here, or anywhere in these pages, parses
// markup, so nothing that a feed or a transcript says can become an element.

const SVG = 'http://www.w3.org/2000/svg';

// Outlines on a 24 by 24 grid, drawn with a 1.75 stroke.
const ICONS = {
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 20.5 20.5',
  close: 'M6 6l12 12M18 6 6 18',
  filter: 'M4 7h16M7 12h10M10 17h4',
  theme: 'M12 3.5v17a8.5 8.5 0 0 0 0-17zM12 3.5a8.5 8.5 0 1 0 0 17',
  info: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 11v5.5M12 7.6v.2',
  share: 'M12 15V4M8 7.5 12 3.5l4 4M5.5 12v7.5h13V12',
  download: 'M12 4v11M8 11.5l4 4 4-4M5 20h14',
  text: 'M5 6.5h14M5 11h14M5 15.5h9',
  settings: 'M4 8h9M17 8h3M15 5.8v4.4M4 16h3M11 16h9M9 13.8v4.4',
  left: 'M14.5 5.5 8 12l6.5 6.5',
  right: 'M9.5 5.5 16 12l-6.5 6.5',
  up: 'M5.5 14.5 12 8l6.5 6.5',
  down: 'M5.5 9.5 12 16l6.5-6.5',
  follow: 'M12 4v13M7 12l5 5 5-5M5 20.5h14',
};
const SOLID = {
  play: 'M7.5 4.6v14.8c0 .8.9 1.3 1.6.8l11-7.4c.6-.4.6-1.2 0-1.6l-11-7.4c-.7-.5-1.6 0-1.6.8z',
  pause: 'M7 4.5h3.2v15H7zM13.8 4.5H17v15h-3.2z',
};

// One element. `attributes` takes plain attributes, and `class`, `text`, `on` (listeners by event), `data` (dataset),
// `prop` (properties set on the object). A value of null, undefined or false leaves the attribute out.
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') for (const [event, call] of Object.entries(value)) node.addEventListener(event, call);
    else if (name === 'data') Object.assign(node.dataset, value);
    else if (name === 'prop') Object.assign(node, value);
    else if (name === 'text') node.textContent = value;
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
}

// Replaces what is inside `node`.
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

// A decorative drawing; the control around it carries the name.
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  const solid = SOLID[name];
  for (const [key, value] of Object.entries({
    viewBox: '0 0 24 24',
    width: 20,
    height: 20,
    'aria-hidden': 'true',
    class: solid ? 'icon icon-solid' : 'icon',
  }))
    svg.setAttribute(key, value);
  path.setAttribute('d', solid || ICONS[name]);
  svg.append(path);
  return svg;
}

// A button with a drawing and a name that is read out, and shown where the style sheet has room for it.
export function icon_button(name, label, on_click, attributes = {}) {
  return el(
    'button',
    { type: 'button', class: 'icon-button', 'aria-label': label, title: label, on: { click: on_click }, ...attributes },
    icon(name),
  );
}

// True where a key press belongs to what is being typed.
export function is_typing(target) {
  return (
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    target?.isContentEditable === true ||
    (target instanceof HTMLInputElement && !['checkbox', 'radio', 'range', 'button', 'submit'].includes(target.type))
  );
}

// True where the browser itself should follow the link: another button, or a key that opens a tab or window.
export function is_plain_click(event) {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

// Reads and writes of storage that may be switched off.
export function stored_get(key, otherwise) {
  try {
    return localStorage.getItem(key) ?? otherwise;
  } catch {
    return otherwise;
  }
}
export function stored_set(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // the choice then lasts as long as the page
  }
}
