// Serves the pages of console/ as the program does (the same paths, headers and templates) over a made-up world, so
// that the pages can be written and tested by themselves. Run it by hand with: node mock_server.mjs [port]

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { flow_answer } from './mock_flow.mjs';
import { flow_world_make } from './support/flow_world.mjs';
import { world_make } from './support/mock_data.mjs';
import { search_make } from './support/mock_search.mjs';

const PAGES = join(dirname(fileURLToPath(import.meta.url)), '../../console/site');
const TYPES = { html: 'text/html; charset=utf-8', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; media-src 'self' https: http:; connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

const escape = (text) => String(text).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

function send(response, status, type, body, headers = {}) {
  response.writeHead(status, { 'content-type': type, 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff', ...headers });
  response.end(body);
}

const send_json = (response, status, value) => send(response, status, 'application/json', JSON.stringify(value));
const send_missing = (response) => send_json(response, 404, { error: { code: 'NotFound', message: 'there is nothing here' } });

async function send_page(response, name, values) {
  const source = await readFile(join(PAGES, name), 'utf8');
  const page = source.replace(/\{\{(\w+)\}\}/g, (_, key) => (key === 'tracking' ? '' : escape(values[key] ?? '')));
  send(response, 200, TYPES.html, page);
}

function send_audio(request, response, bytes) {
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  if (!match) return send(response, 200, 'audio/mpeg', bytes, { 'accept-ranges': 'bytes', 'content-length': bytes.length });
  const from = Number(match[1]);
  const to = Math.min(bytes.length - 1, match[2] ? Number(match[2]) : Infinity);
  if (from > to) return send(response, 416, 'text/plain', '', { 'content-range': `bytes */${bytes.length}` });
  const part = bytes.subarray(from, to + 1);
  return send(response, 206, 'audio/mpeg', part, {
    'accept-ranges': 'bytes',
    'content-length': part.length,
    'content-range': `bytes ${from}-${to}/${bytes.length}`,
  });
}

async function body_json(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString('utf8'));
}

function documents_of(sites) {
  return sites.flatMap((site) =>
    site.episodes.flatMap(({ row, entries, podcast }) => entries.map((entry) => ({ entry, row, podcast, site }))),
  );
}

// One site's requests, below its base.
async function site_answer(world, site, path, request, response) {
  const base = `/sites/${site.id}/`;
  const episode_at = (podcast, key) => site.episodes.find(({ row }) => row.podcastId === podcast && row.fileKey === key);
  const asked = /^episode\/(\d+)$/.exec(path);
  if (path === '' || asked) {
    const episode = asked && site.episodes[Number(asked[1]) - 1];
    return send_page(response, 'index.html', {
      base,
      title: episode ? episode.row.title : site.json.pageTitle,
      description: `Search every word of ${site.title}`,
      canonical: `https://${site.json.domain}/`,
      theme_color: site.colours[0],
      theme_color_dark: site.colours[1],
      site_name: site.title,
      og_type: 'website',
    });
  }
  if (path === 'site.json') return send_json(response, 200, site.json);
  if (path === 'episode-manifest/full-episode-manifest.json') {
    return send_json(response, 200, { lastUpdated: site.updated, episodes: site.episodes.map(({ row }) => row) });
  }
  if (path === 'api/search' && request.method === 'POST') {
    if (world.fail_searches > 0) {
      world.fail_searches -= 1;
      return send_json(response, 503, { error: { code: 'Unavailable', message: 'the index is being replaced' } });
    }
    return send_json(response, 200, site.search(await body_json(request)));
  }
  const file = /^(search-entries|audio|transcripts)\/([^/]+)\/(.+?)\.(json|words\.json|mp3|srt|vtt|txt)$/.exec(path);
  const episode = file && episode_at(decodeURIComponent(file[2]), decodeURIComponent(file[3]));
  if (!episode) return send_missing(response);
  if (file[1] === 'search-entries') return send_json(response, 200, episode.entries);
  if (file[1] === 'audio') return send_audio(request, response, world.audio);
  if (file[4] === 'words.json') return episode.words ? send_json(response, 200, episode.words) : send_missing(response);
  return send(response, 200, 'text/plain; charset=utf-8', episode.entries.map((entry) => entry.text).join('\n'));
}

async function home_answer(world, path, request, response) {
  if (path === '') {
    return send_page(response, 'home.html', {
      base: '/',
      title: 'tidemill',
      description: 'Search every word spoken on every podcast here, and hear it.',
      canonical: '/',
      theme_color: '#175c68',
      theme_color_dark: '#7fc4cf',
      site_name: 'tidemill',
      og_type: 'website',
    });
  }
  if (path === 'api/sites') {
    return send_json(response, 200, {
      sites: world.sites.map((site) => ({
        id: site.id,
        title: site.title,
        tagline: site.tagline,
        episodeCount: site.episodes.length,
        lastUpdated: site.updated,
        themeColor: site.colours[0],
        base: `/sites/${site.id}/`,
      })),
    });
  }
  if (path === 'api/search' && request.method === 'POST') return send_json(response, 200, world.search(await body_json(request)));
  return send_missing(response);
}

async function answer(world, request, response) {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (await flow_answer(world.flow, pathname, request, response)) return undefined;
  const split = /^\/(?:sites\/([^/]+)\/)?(.*)$/.exec(pathname);
  const asset = /^[\w.-]+\.(css|js|svg)$/.exec(split[2]);
  if (asset) return send(response, 200, TYPES[asset[1]], await readFile(join(PAGES, split[2])));
  if (!split[1]) return home_answer(world, split[2], request, response);
  const site = world.sites.find(({ id }) => id === split[1]);
  return site ? site_answer(world, site, split[2], request, response) : send_missing(response);
}

// Starts on a free port (or `port`); returns { url, world, close }. `world.fail_searches` makes that many searches fail.
export async function mock_start(port = 0) {
  const world = { ...world_make(), flow: flow_world_make(), fail_searches: 0 };
  for (const site of world.sites) site.search = search_make(documents_of([site]));
  world.search = search_make(documents_of(world.sites));
  const server = createServer((request, response) => {
    answer(world, request, response).catch((error) => send_json(response, 500, { error: { code: 'Internal', message: error.message } }));
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    world,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await mock_start(Number(process.argv[2] ?? 8070));
  console.log(url);
}
