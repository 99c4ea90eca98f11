// The words that matched, as ranges of UTF-16 units in a passage, turned into text nodes and <mark> elements.

// Ranges put in order, cut to the text, and joined where they touch; what is no range is dropped.
export function marks_tidy(marks, length) {
  const clean = (Array.isArray(marks) ? marks : [])
    .filter((mark) => Array.isArray(mark) && Number.isInteger(mark[0]) && Number.isInteger(mark[1]))
    .map(([start, end]) => [Math.max(0, start), Math.min(length, end)])
    .filter(([start, end]) => start < end)
    .sort((a, b) => a[0] - b[0]);
  const joined = [];
  for (const mark of clean) {
    const last = joined[joined.length - 1];
    if (last && mark[0] <= last[1]) last[1] = Math.max(last[1], mark[1]);
    else joined.push([...mark]);
  }
  return joined;
}

// Nodes for `text`. Never markup: an "<img>" in a transcript is five characters of text.
export function marks_nodes(text, marks) {
  const nodes = [];
  let at = 0;
  for (const [start, end] of marks_tidy(marks, text.length)) {
    if (start > at) nodes.push(document.createTextNode(text.slice(at, start)));
    const mark = document.createElement('mark');
    mark.textContent = text.slice(start, end);
    nodes.push(mark);
    at = end;
  }
  if (at < text.length) nodes.push(document.createTextNode(text.slice(at)));
  return nodes;
}

// The marks of search hits, given to the transcript's passages that they lie in. A hit may span several passages whose
// texts were joined, so each passage is looked for in the hit's text in turn. Returns a map from the passage's place in
// `entries` to its marks.
export function marks_by_entry(entries, hits) {
  const found = new Map();
  for (const hit of hits) {
    let at = 0;
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index];
      if (entry.startTimeMs < hit.startTimeMs || entry.startTimeMs > hit.endTimeMs) continue;
      const base = hit.text.indexOf(entry.text, at);
      if (base < 0) continue;
      at = base + entry.text.length;
      const shifted = marks_tidy(
        (hit.marks ?? []).map(([start, end]) => [start - base, end - base]),
        entry.text.length,
      );
      if (shifted.length) found.set(index, marks_tidy([...(found.get(index) ?? []), ...shifted], entry.text.length));
    }
  }
  return found;
}
