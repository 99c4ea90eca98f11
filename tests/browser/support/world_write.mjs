// Writes the made-up world as a data directory of the program: configuration, manifest, transcripts, word times and audio
// of each site, in the layout that the sites use.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

function clock(ms) {
  const two = (number) => String(number).padStart(2, '0');
  const whole = Math.floor(ms / 1000);
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)},${String(ms % 1000).padStart(3, '0')}`;
}

function srt(entries) {
  return entries
    .map((entry, index) => `${index + 1}\n${clock(entry.startTimeMs)} --> ${clock(entry.endTimeMs)}\n${entry.text}\n\n`)
    .join('');
}

function put(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

function config(site) {
  const { id, domain, appHeader, pageTitle, searchPlaceholderOptions } = site.json;
  return {
    id,
    domain,
    appHeader: { ...appHeader, extraHeightForLongTitle: false },
    socialAndMetadata: {
      pageTitle,
      canonicalUrl: `https://${domain}`,
      openGraphImagePath: './assets/social-cards/open-graph-card-1200x630.jpg',
      metaDescription: `Search every word of ${site.title}`,
      metaTitle: pageTitle,
    },
    includedPodcasts: site.podcasts.map((podcast) => ({
      ...podcast,
      rssFeedFile: `${podcast.id}.xml`,
      url: `https://example.org/${podcast.id}.xml`,
    })),
    whisperTranscriptionPrompt: `Hi, this is ${site.title}.`,
    themeColor: site.colours[0],
    themeColorDark: site.colours[1],
    searchPlaceholderOptions,
  };
}

export function world_write(world, root) {
  for (const site of world.sites) {
    const files = join(root, 'objects/sites', site.id);
    put(join(root, 'sites/my-sites', site.id, 'site.config.json'), JSON.stringify(config(site), null, 2));
    const episodes = site.episodes.map(({ row }) => row);
    put(join(files, 'episode-manifest/full-episode-manifest.json'), JSON.stringify({ lastUpdated: site.updated, episodes }, null, 2));
    for (const { row, entries, words } of site.episodes) {
      put(join(files, 'transcripts', row.podcastId, `${row.fileKey}.srt`), srt(entries));
      if (words) put(join(files, 'transcripts', row.podcastId, `${row.fileKey}.words.json`), JSON.stringify(words));
      put(join(files, 'audio', row.podcastId, row.audioFile), world.audio);
    }
  }
}
