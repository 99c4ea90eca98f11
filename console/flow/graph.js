// Draws a layout that the server made (DrawDefinition) as SVG: zoom, pan, keys, and a status on every state.

import { el } from '../site/dom.js';
import { STATUSES } from './format.js';
import { pan_make } from './graph_pan.js';

const SVG = 'http://www.w3.org/2000/svg';
const ZOOM_LEAST = 0.08;
const ZOOM_MOST = 2.5;
const SCALE_READABLE = 0.62;
const SCALE_SMALLEST = 0.5;

// One SVG element; text becomes text nodes.
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'text') node.textContent = value;
    else node.setAttribute(name, String(value));
  }
  node.append(...children.flat().filter(Boolean));
  return node;
}

// Between two points whose x differ runs a curve that is upright at both.
export function edge_path(points) {
  return points
    .map(([x, y], at) => {
      if (at === 0) return `M${x} ${y}`;
      const [x0, y0] = points[at - 1];
      if (x === x0 || y === y0) return `L${x} ${y}`;
      const middle = Math.round((y0 + y) / 2);
      return `C${x0} ${middle} ${x} ${middle} ${x} ${y}`;
    })
    .join('');
}

// The state that the arrow key leads to from `from`: the nearest in that direction, those straight ahead first.
export function graph_neighbour(nodes, from, key) {
  const middle = (node) => [node.x + node.w / 2, node.y + Math.min(node.h, 46) / 2];
  const [x, y] = middle(from);
  let best = null;
  let least = Infinity;
  for (const node of nodes) {
    if (node === from) continue;
    const [nx, ny] = middle(node);
    const [along, aside] = { ArrowDown: [ny - y, nx - x], ArrowUp: [y - ny, nx - x], ArrowRight: [nx - x, ny - y], ArrowLeft: [x - nx, ny - y] }[key];
    if (along <= 4) continue;
    const far = along + 2.5 * Math.abs(aside);
    if (far < least) [best, least] = [node, far];
  }
  return best;
}

function status_mark(x, y) {
  return svg('g', { class: 'mark', transform: `translate(${x} ${y})` }, svg('circle', { r: 10, cx: 8, cy: 8 }), svg('path', { class: 'mark-path' }));
}

// `on_select(name)` is told which state was chosen (null: none). The element holds the picture and its buttons.
export function graph_make({ on_select, label }) {
  const layer = svg('g');
  const picture = svg('svg', { class: 'graph-picture', role: 'group', 'aria-label': label, tabindex: -1 }, layer);
  const zoom_words = el('span', { class: 'graph-zoom', 'aria-hidden': 'true' });
  const tools = el(
    'div',
    { class: 'graph-tools' },
    el('button', { type: 'button', class: 'tool', 'aria-label': 'Smaller', title: 'Smaller (−)', text: '−', on: { click: () => zoom_by(1 / 1.25) } }),
    zoom_words,
    el('button', { type: 'button', class: 'tool', 'aria-label': 'Larger', title: 'Larger (+)', text: '+', on: { click: () => zoom_by(1.25) } }),
    el('button', { type: 'button', class: 'tool tool-word', title: 'The whole picture (0)', text: 'Fit', on: { click: () => fit() } }),
  );
  const element = el('div', { class: 'graph' }, picture, tools);
  let layout = null;
  let view = { x: 0, y: 0, scale: 1 };
  let moved = false; // by hand: a change of size then leaves it alone
  let selected = null;
  let parts = new Map(); // by name: { node, group, hit, mark, tag, tag_right }
  let edges = [];

  const states = () => layout.nodes.filter((node) => parts.has(node.name) && parts.get(node.name).node === node);

  function apply() {
    layer.setAttribute('transform', `translate(${view.x.toFixed(1)} ${view.y.toFixed(1)}) scale(${view.scale.toFixed(4)})`);
    zoom_words.textContent = `${Math.round(view.scale * 100)} %`;
  }

  // The whole picture; or, at first, from its start in a size that can be read, where the whole would be tiny.
  function fit(readable = false) {
    if (!layout) return;
    const { clientWidth: width, clientHeight: height } = element;
    if (!width || !height) return;
    let scale = Math.min(width / layout.width, height / layout.height, 1);
    if (readable) scale = Math.max(scale, Math.min(SCALE_READABLE, width / layout.width), SCALE_SMALLEST);
    const [wide, high] = [layout.width * scale, layout.height * scale];
    view = {
      scale,
      x: wide <= width ? (width - wide) / 2 : Math.min(0, Math.max(width - wide, width / 2 - start_x() * scale)),
      y: high <= height ? (height - high) / 2 : 0,
    };
    moved = false;
    apply();
    if (readable && selected) reveal(parts.get(selected).node);
  }

  const start_x = () => {
    const start = layout.nodes.find((node) => node.type === 'Start') ?? layout.nodes[0];
    return start ? start.x + start.w / 2 : 0;
  };

  function zoom_by(factor, at) {
    const scale = Math.min(ZOOM_MOST, Math.max(ZOOM_LEAST, view.scale * factor));
    const [x, y] = at ?? [element.clientWidth / 2, element.clientHeight / 2];
    view = { scale, x: x - ((x - view.x) * scale) / view.scale, y: y - ((y - view.y) * scale) / view.scale };
    moved = true;
    apply();
  }

  function move_to(x, y) {
    view = { ...view, x, y };
    moved = true;
    apply();
  }

  // Moves the picture so that a state can be seen.
  function reveal(node) {
    const pad = 24;
    const foot = 56; // where the buttons are
    const [left, top] = [node.x * view.scale + view.x, node.y * view.scale + view.y];
    const [right, bottom] = [left + node.w * view.scale, top + Math.min(node.h * view.scale, element.clientHeight - pad - foot)];
    if (left < pad) view.x += pad - left;
    else if (right > element.clientWidth - pad) view.x -= right - element.clientWidth + pad;
    if (top < pad) view.y += pad - top;
    else if (bottom > element.clientHeight - foot) view.y -= bottom - element.clientHeight + foot;
    apply();
  }

  function state_group(node) {
    const box = svg('rect', { class: 'state-box', x: node.x, y: node.y, width: node.w, height: node.h, rx: 9 });
    const inside = ['Parallel', 'Map'].includes(node.type) && node.h > 70;
    const mark = status_mark(node.x + node.w - 26, node.y + (inside ? 10 : 9));
    const [tag_right, tag_y] = inside ? [node.x + node.w - 38, node.y + 9] : [node.x + node.w - 8, node.y + node.h - 6];
    const tag = svg('g', { class: 'tag' }, svg('rect', { y: tag_y, height: 18, rx: 9 }), svg('text', { y: tag_y + 13, 'text-anchor': 'middle' }));
    // What is pressed and has the focus lies over the drawing and carries the name; the drawing itself is for the eye.
    const hit = svg(
      'rect',
      { class: 'state-hit', x: node.x, y: node.y, width: node.w, height: node.h, rx: 9, role: 'button', tabindex: -1, 'aria-pressed': 'false' },
      svg('title', { text: node.detail ? `${node.name}\n${node.type}: ${node.detail}` : node.name }),
    );
    const drawn = svg(
      'g',
      { 'aria-hidden': 'true' },
      box,
      svg('rect', { class: 'state-bar', x: node.x, y: node.y + 9, width: 4, height: Math.min(node.h, 46) - 18, rx: 2 }),
      ...node.lines.map((line, at) => svg('text', { class: 'state-name', x: node.x + 14, y: node.y + 20 + 18 * at, text: line })),
      svg('text', { class: 'state-caption', x: node.x + 14, y: node.y + 20 + 18 * node.lines.length, text: node.caption ?? node.type }),
      mark,
      tag,
    );
    const group = svg('g', { class: `state state-${node.type}${inside ? ' state-around' : ''}` }, drawn, hit);
    group.dataset.name = node.name;
    hit.addEventListener('click', () => select(node.name, true));
    hit.addEventListener('focus', () => reveal(node));
    parts.set(node.name, { node, group, hit, mark: mark.querySelector('path'), tag, tag_right });
    return group;
  }

  function node_group(node) {
    if (node.type === 'Start' || node.type === 'End') {
      const [cx, cy] = [node.x + node.w / 2, node.y + node.h / 2];
      return svg(
        'g',
        { class: `dot dot-${node.type}` },
        svg('title', { text: node.name }),
        svg('circle', { cx, cy, r: node.w / 2 }),
        node.type === 'End' && svg('circle', { class: 'dot-ring', cx, cy, r: node.w / 2 - 4 }),
      );
    }
    if (node.type === 'Branch') return svg('rect', { class: 'branch', x: node.x, y: node.y, width: node.w, height: node.h, rx: 7 });
    return state_group(node);
  }

  function edge_group(edge) {
    const [x, y] = edge.points.at(-1);
    const up = edge.points.length > 1 && y < edge.points.at(-2)[1];
    const group = svg(
      'g',
      { class: `edge edge-${edge.kind}` },
      svg('path', { class: 'edge-line', d: edge_path(edge.points) }),
      svg('path', { class: 'edge-head', d: `M${x} ${y}l-4.5 ${up ? 8 : -8}h9z` }),
      edge.label && [
        svg('rect', { class: 'edge-ground', x: edge.label_x - edge.label_w / 2, y: edge.label_y - 9, width: edge.label_w, height: 18, rx: 3 }),
        svg('text', { class: 'edge-label', x: edge.label_x, y: edge.label_y + 4, 'text-anchor': 'middle' }, svg('title', { text: edge.title || edge.label }), document.createTextNode(edge.label)),
      ],
    );
    edges.push({ edge, group });
    return group;
  }

  function draw(made) {
    const before = layout;
    layout = made;
    parts = new Map();
    edges = [];
    layer.replaceChildren(...layout.nodes.map(node_group), ...layout.edges.map(edge_group));
    const first = states()[0];
    const keep = (selected && parts.get(selected)?.node) || first;
    if (keep) parts.get(keep.name).hit.setAttribute('tabindex', '0');
    if (selected && parts.has(selected)) mark_selected();
    else selected = null;
    status(new Map());
    if (!before || !moved) fit(true);
  }

  function mark_selected() {
    for (const [name, { group, hit }] of parts) {
      hit.setAttribute('aria-pressed', String(name === selected));
      group.classList.toggle('state-chosen', name === selected);
      if (selected) hit.setAttribute('tabindex', name === selected ? '0' : '-1');
    }
  }

  function select(name, by_hand = false) {
    selected = name !== null && parts.has(name) ? name : null;
    mark_selected();
    if (selected) reveal(parts.get(selected).node);
    if (by_hand) {
      parts.get(selected)?.hit.focus({ preventScroll: true });
      on_select?.(selected);
    }
  }

  function tag_draw({ tag, tag_right }, words) {
    const [ground, text] = tag.children;
    tag.classList.toggle('tag-on', Boolean(words));
    if (!words || text.textContent === words) return;
    const width = 7.4 * words.length + 14;
    ground.setAttribute('width', width);
    ground.setAttribute('x', tag_right - width);
    text.setAttribute('x', tag_right - width / 2);
    text.textContent = words;
  }

  // `found`: by name { status, count, many, words }. What is not in it has not begun. `taken(from, to)` tells the edges that were gone.
  function status(found, taken = null) {
    for (const [name, part] of parts) {
      const one = found.get(name);
      const known = one && one.status !== 'pending' ? STATUSES[one.status] : null;
      part.group.dataset.tone = known?.tone ?? 'none';
      part.group.dataset.status = known ? one.status : 'pending';
      if (known) part.mark.setAttribute('d', known.mark);
      tag_draw(part, one?.words ?? (one?.count > 1 ? `×${one.count.toLocaleString('en')}` : ''));
      const said = [part.node.name, part.node.type, known?.word ?? (taken ? 'not begun' : ''), one?.count > 1 ? `${one.count} times` : ''];
      part.hit.setAttribute('aria-label', said.filter(Boolean).join(', '));
    }
    const by_id = new Map(layout?.nodes.map((node) => [node.id, node.name]));
    for (const { edge, group } of edges) group.classList.toggle('edge-taken', Boolean(taken?.(by_id.get(edge.from), by_id.get(edge.to), edge)));
  }

  picture.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !layout) return;
    const name = [...parts].find(([, { hit }]) => hit === document.activeElement)?.[0];
    const here = name && parts.get(name).node;
    const move = (node) => {
      if (!node) return;
      for (const { hit } of parts.values()) hit.setAttribute('tabindex', '-1');
      const { hit } = parts.get(node.name);
      hit.setAttribute('tabindex', '0');
      hit.focus({ preventScroll: true });
    };
    if (event.key.startsWith('Arrow') && here) move(graph_neighbour(states(), here, event.key));
    else if (event.key === 'Home') move(states()[0]);
    else if (event.key === 'End') move(states().at(-1));
    else if ((event.key === 'Enter' || event.key === ' ') && here) select(name, true);
    else if (event.key === 'Escape' && selected) select(null, true);
    else if (event.key === '+' || event.key === '=') zoom_by(1.25);
    else if (event.key === '-') zoom_by(1 / 1.25);
    else if (event.key === '0') fit();
    else return;
    event.preventDefault();
  });

  pan_make(element, picture, { view: () => view, zoom_by, move_to });
  const watcher = new ResizeObserver(() => !moved && fit(true));
  watcher.observe(element);

  return {
    element,
    draw,
    select,
    status,
    fit,
    names: () => [...parts.keys()],
    node: (name) => parts.get(name)?.node ?? null,
    inside: (name) => {
      const self = parts.get(name)?.node;
      return layout.nodes.filter((node) => node.parent === self?.id);
    },
    // The Map states around a state, from the innermost.
    maps_around(name) {
      const by_id = new Map(layout.nodes.map((node) => [node.id, node]));
      const found = [];
      for (let node = by_id.get(parts.get(name)?.node.parent); node; node = by_id.get(node.parent)) if (node.type === 'Map') found.push(node.name);
      return found;
    },
    close: () => watcher.disconnect(),
  };
}
