// A plain search over the made-up passages, with the answers' form of the real one: words joined by AND, "phrases",
// prefixes*, filters, order, paging, marks as UTF-16 ranges, and another spelling where a word is unknown.

const fold = (text) => text.toLowerCase().normalize('NFD').replace(/[\u0300-\u036f]/g, '');
const words_of = (text) => fold(text).match(/[\p{L}\p{N}']+/gu) ?? [];

function terms_parse(query) {
  const terms = [];
  for (const part of query.matchAll(/"([^"]+)"|(\S+)/g)) {
    const words = words_of(part[1] ?? part[2]);
    if (part[1]) terms.push({ words, prefix: false });
    else for (const word of words) terms.push({ words: [word], prefix: part[2].endsWith('*') });
  }
  return terms.filter((term) => term.words.length);
}

function term_pattern(term) {
  const source = term.words.map((word) => word.replace(/[^\p{L}\p{N}]/gu, '\\$&')).join("[^\\p{L}\\p{N}']+");
  return new RegExp(`(?<![\\p{L}\\p{N}'])${source}${term.prefix ? "[\\p{L}\\p{N}']*" : ''}(?![\\p{L}\\p{N}'])`, 'gu');
}

function distance(one, other) {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[other.length];
}

// `documents`: { entry, row, podcast, site }.
export function search_make(documents) {
  const counts = new Map();
  for (const { entry } of documents) for (const word of words_of(entry.text)) counts.set(word, (counts.get(word) ?? 0) + 1);

  function near(word) {
    let best = null;
    for (const [other, count] of counts) {
      if (other === word || Math.abs(other.length - word.length) > 1 || distance(word, other) > 1) continue;
      if (!best || count > best.count) best = { word: other, count };
    }
    return best;
  }

  function find(query, request) {
    const patterns = terms_parse(query).map(term_pattern);
    if (!patterns.length) return [];
    const from = request.startDate ? Date.parse(`${request.startDate}T00:00:00Z`) : -Infinity;
    const to = request.endDate ? Date.parse(`${request.endDate}T23:59:59.999Z`) : Infinity;
    const hits = [];
    for (const { entry, row, podcast, site } of documents) {
      const when = entry.episodePublishedUnixTimestamp;
      if (when < from || when > to) continue;
      if (request.episodeIds?.length && !request.episodeIds.map(String).includes(entry.sequentialEpisodeIdAsString)) continue;
      if (request.podcastIds?.length && !request.podcastIds.includes(row.podcastId)) continue;
      if (request.siteIds?.length && !request.siteIds.includes(site.id)) continue;
      const text = fold(entry.text);
      const marks = patterns.map((pattern) => [...text.matchAll(pattern)].map((match) => [match.index, match.index + match[0].length]));
      if (marks.some((list) => !list.length)) continue;
      hits.push({
        ...entry,
        podcastId: row.podcastId,
        podcastTitle: podcast.title,
        episodeTitle: row.title,
        fileKey: row.fileKey,
        marks: marks.flat().sort((a, b) => a[0] - b[0]),
        score: (marks.flat().length * 100) / text.length,
        siteId: site.id,
        siteTitle: site.title,
        siteBase: `/sites/${site.id}/`,
      });
    }
    return hits;
  }

  return function search(request) {
    const query = String(request.query ?? '');
    const answer = { processingTimeMs: 3, query, sortBy: request.sortBy ?? null, sortOrder: request.sortOrder ?? 'DESC' };
    let hits = find(query, request);
    const unknown = words_of(query).find((word) => !counts.has(word));
    const rare = words_of(query).find((word) => counts.get(word) < 4 && (near(word)?.count ?? 0) > 20);
    if (unknown && near(unknown)) {
      answer.correctedQuery = query.toLowerCase().replace(unknown, near(unknown).word);
      hits = find(answer.correctedQuery, request);
    } else if (rare) {
      answer.didYouMean = query.toLowerCase().replace(rare, near(rare).word);
    }
    const sign = request.sortOrder === 'ASC' ? 1 : -1;
    if (request.sortBy) hits.sort((a, b) => sign * (a.episodePublishedUnixTimestamp - b.episodePublishedUnixTimestamp) || a.startTimeMs - b.startTimeMs);
    else hits.sort((a, b) => b.score - a.score);
    const offset = request.offset ?? 0;
    return { hits: hits.slice(offset, offset + (request.limit || 10)), totalHits: hits.length, ...answer };
  };
}
