// What the page asks of its server. Every address is below the page's own base; nothing else is ever contacted.

const WAIT_MS = 30000;

// A request that did not work; `message` is a sentence for the reader.
export class RequestError extends Error {}

function place(path, base) {
  return new URL(path, base ?? document.baseURI).href;
}

async function request(what, url, options = {}) {
  const limit = AbortSignal.timeout(WAIT_MS);
  const signal = options.signal && AbortSignal.any ? AbortSignal.any([options.signal, limit]) : (options.signal ?? limit);
  let response;
  try {
    response = await fetch(url, { ...options, signal });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    if (cause.name === 'TimeoutError') throw new RequestError(`${what} took longer than ${WAIT_MS / 1000} seconds.`);
    throw new RequestError(`${what} could not reach the server. Are you online?`);
  }
  if (!response.ok) throw await request_failure(what, response);
  return response;
}

async function request_failure(what, response) {
  let detail = '';
  try {
    detail = (await response.json()).error?.message ?? '';
  } catch {
    detail = ''; // an error page of some proxy: the status says enough
  }
  const error = new RequestError(
    `${what} failed: ${response.status} ${response.statusText}`.trim() + (detail ? ` (${detail})` : ''),
  );
  error.status = response.status;
  return error;
}

async function request_json(what, url, options) {
  const response = await request(what, url, options);
  try {
    return await response.json();
  } catch (cause) {
    if (options?.signal?.aborted) throw cause;
    throw new RequestError(`${what} failed: the answer was not what this page understands.`);
  }
}

export function api_site(options) {
  return request_json('Loading this site', place('site.json'), options);
}

export function api_sites(options) {
  return request_json('Loading the list of sites', place('api/sites'), options);
}

export function api_manifest(options) {
  return request_json('Loading the list of episodes', place('episode-manifest/full-episode-manifest.json'), options);
}

export function api_search(body, options = {}) {
  return request_json('Search request', place('api/search'), {
    ...options,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

// Every hit of one episode, up to `most`, in the order of the episode.
export async function api_mentions(query, episode_id, most, options) {
  const hits = [];
  let total = 0;
  for (let offset = 0; offset < most; ) {
    const body = { query, limit: 100, offset, searchFields: ['text'], episodeIds: [String(episode_id)] };
    const answer = await api_search(body, options);
    total = answer.totalHits;
    hits.push(...answer.hits);
    offset += answer.hits.length;
    if (answer.hits.length === 0 || offset >= total) break;
  }
  return hits.sort((a, b) => a.startTimeMs - b.startTimeMs);
}

function episode_path(folder, episode, ending) {
  return place(`${folder}/${encodeURIComponent(episode.podcastId)}/${encodeURIComponent(episode.fileKey)}${ending}`);
}

export function api_transcript(episode, options) {
  return request_json('Loading the transcript', episode_path('search-entries', episode, '.json'), options);
}

// Word times, or null where the episode has none.
export async function api_words(episode, options) {
  try {
    const words = await request_json('Loading word times', episode_path('transcripts', episode, '.words.json'), options);
    return Array.isArray(words) ? words : null;
  } catch {
    return null; // words are an extra: the passages follow along without them
  }
}

export function api_audio_url(episode) {
  const file = episode.audioFile || `${episode.fileKey}.mp3`;
  return place(`audio/${encodeURIComponent(episode.podcastId)}/${encodeURIComponent(file)}`);
}

export function api_transcript_url(episode, kind) {
  return episode_path('transcripts', episode, `.${kind}`);
}
