// A small world of podcasts for the browser tests: two sites whose words, times and recordings are the same on every run.
// One episode is really spoken (by espeak-ng, joined by ffmpeg), so its words can be followed while it plays.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SPOKEN = [
  'Good morning, and welcome back to Tide Tables. It is a quarter to six and the harbour is still asleep.',
  'Today we walk out to the old tide mill, because somebody asked how a wheel can turn with nobody there to start it.',
  'The answer is the sea. It comes in through the gate, the gate falls shut behind it, and then the pond simply waits.',
  'When the tide has gone far enough down, the miller opens the sluice, and all that patience turns the stones.',
  'So the miller did not keep the hours of the sun. He kept the hours of the moon, and he ate his dinner at midnight.',
  'There is a page in the ledger where he wrote: flood at four, ground until nine, slept, ground again.',
  'I love that line. It has no drama in it at all, only the water and a tired man and the flour for the morning.',
  'We asked the baker in the high street whether bread tastes different when the mill keeps the tide.',
  'She laughed and said that bread tastes of the person who had to get up for it.',
  'Next week the herring boats, and a listener who has measured every wave on her beach since nineteen eighty one.',
  'Until then, mind the gate, keep your tide table dry, and thank you for listening.',
];

const SENTENCES = [
  'The tide turned at ten and nobody on the quay had noticed.',
  'You have to read the water first and the chart afterwards.',
  'He said the mill had not missed a morning in forty years.',
  'I think the whole harbour knew about the letter before she did.',
  'That is the thing about a slow machine, it forgives you.',
  'We counted the herring twice and got three different numbers.',
  'My grandmother kept the flour in a drawer with the good spoons.',
  'If the gate sticks you lose the night, and if you lose the night you lose the bread.',
  'There was a storm in November that took the roof off the boat house.',
  'Nobody writes down the ordinary days, so we do it here.',
  'She tuned the old radio until the voices came through the hiss.',
  'The lighthouse keeper answered every letter, even the rude ones.',
  'Ask any baker and they will tell you the oven has moods.',
  'It was a good match until the fog came in and we lost the ball.',
  'The ferry was late again, which is how we met, as you know.',
  'People think silence is empty, but a microphone knows better.',
  'We found the map behind the wallpaper, folded very small.',
  'He played the cornet badly and for a very long time.',
  'The engineers measured the wave from the wrong wall.',
  'Every spring somebody paints the pump house the wrong green.',
  'A café in the old customs house sells the only decent coffee.',
  'I do not believe in ghosts, but I do believe in draughts.',
  'Then the lights went out and the band simply carried on.',
  'They moved the clock forward and the cows refused.',
  'It takes eleven people to lift the sluice, or one good lever.',
  'The moon was so bright that the gulls would not settle.',
  'What she wanted was a boat, and what she got was a committee.',
  'You can hear the stones before you can see the mill.',
  'The record says two hundred sacks, and the record is a liar.',
  'And that, more or less, is how the bridge got its name.',
];

const TITLES = [
  'The Mill That Kept the Moon', 'Letters to a Lighthouse', 'Eleven People and a Lever', 'Herring, Counted Twice', 'What the Ferry Carried',
  'A Very Long Cornet Solo', 'Fog at Half Time', 'The Ordinary Days', 'Bread for the Early Boat', 'The Wrong Green',
  'Behind the Wallpaper', 'Cows and Clocks', 'The Oven Has Moods', 'A Committee for a Boat', 'Two Hundred Sacks', 'Silence, and Other Noises',
];

export const HOSTILE_TITLE = 'Angle brackets <img src=x onerror="window.injected=1"> & other <b>shells</b>';
const HOSTILE_TEXT = 'He typed <img src=x onerror="window.injected=1"> into the tide form and nothing happened, as it should be.';
const HOSTILE_SUMMARY =
  '<p style="color:red" onclick="window.injected=1">A tale of <em>angle</em> brackets.</p><script>window.injected=1</script><img src=x onerror="window.injected=1"><p>Second paragraph &amp; an end.</p>';

// A generator of numbers that starts over the same way each time (xorshift, 32 bits).
function numbers(seed) {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function wav_seconds(path) {
  const bytes = readFileSync(path);
  const rate = bytes.readUInt32LE(28);
  return (bytes.length - 44) / rate;
}

// The spoken episode: its recording as MP3 bytes, passages and word times.
function spoken_make() {
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-browser-'));
  try {
    const names = [];
    const entries = [];
    const words = [];
    let at = 0;
    SPOKEN.forEach((text, index) => {
      const name = join(folder, `${index}.wav`);
      execFileSync('espeak-ng', ['-v', 'en-gb', '-s', '155', '-w', name, text]);
      const length = Math.round(wav_seconds(name) * 1000);
      entries.push({ startTimeMs: at, endTimeMs: at + length, text });
      const parts = text.split(' ');
      let spent = 0;
      for (const word of parts) {
        const share = (length * (word.length + 1)) / (text.length + 1);
        words.push({ w: word, s: Math.round(at + spent), e: Math.round(at + spent + share) });
        spent += share;
      }
      names.push(`file '${name}'`);
      at += length;
    });
    writeFileSync(join(folder, 'list'), names.join('\n'));
    const out = join(folder, 'all.mp3');
    execFileSync('ffmpeg', ['-v', 'error', '-stream_loop', '9', '-f', 'concat', '-safe', '0', '-i', join(folder, 'list'), '-b:a', '48k', '-y', out]);
    return { audio: readFileSync(out), entries, words, length: at };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function passages_make(pick, count) {
  const passages = [];
  let at = 1000 + pick(2000);
  for (let index = 0; index < count; index++) {
    const length = 7000 + pick(7900);
    const text = [SENTENCES[pick(SENTENCES.length)], SENTENCES[pick(SENTENCES.length)]].join(' ');
    passages.push({ startTimeMs: at, endTimeMs: at + length, text });
    at += length + pick(400);
  }
  return passages;
}

function episode_make(site, index, podcast, title, passages, extra = {}) {
  const published = Date.UTC(2022, 0, 7, 6) + index * site.step_days * 86400000;
  const date = new Date(published).toISOString();
  const key = `${date.slice(0, 10)}_${title.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 50)}--${published}`;
  return {
    row: {
      sequentialId: index + 1,
      podcastId: podcast.id,
      title,
      fileKey: key,
      audioFile: `${key}.mp3`,
      originalAudioURL: `https://media.example.org/${index + 1}.mp3`,
      summary: `<p>Episode ${index + 1}: ${title}. Recorded on the quay.</p><p>Write to us: <a href="https://example.org">the harbour office</a>.</p>`,
      durationInSeconds: Math.ceil(passages[passages.length - 1].endTimeMs / 1000) + 4,
      publishedAt: date,
      downloadedAt: date,
      hasCompletedLLMAnnotations: false,
      llmAnnotations: {},
      ...extra,
    },
    entries: passages.map((passage) => ({
      id: `${index + 1}_${passage.startTimeMs}`,
      ...passage,
      sequentialEpisodeIdAsString: String(index + 1),
      episodePublishedUnixTimestamp: published,
    })),
    podcast,
  };
}

function site_json(site) {
  return {
    id: site.id,
    domain: `${site.id}.example.org`,
    appHeader: {
      primaryTitle: site.title,
      includeTitlePrefix: false,
      taglinePrimaryPodcastName: site.title,
      taglinePrimaryPodcastExternalURL: 'https://example.org/show',
      taglineSuffix: site.suffix,
      includeAIUseDisclosure: true,
    },
    pageTitle: `Search ${site.title}`,
    themeColor: site.colours[0],
    themeColorDark: site.colours[1],
    searchPlaceholderOptions: site.phrases,
    podcasts: site.podcasts,
    lastUpdated: site.updated,
    episodeCount: site.episodes.length,
    home: '/',
  };
}

// The sites with their episodes, oldest first, and the one recording that all share.
export function world_make() {
  const spoken = spoken_make();
  const sites = [
    {
      id: 'tide-tables',
      title: 'Tide Tables',
      tagline: 'Search the Tide Tables archives',
      suffix: 'archives',
      colours: ['#1d6f5c', '#2f6a9e'],
      phrases: ['the tide turned', 'two hundred sacks', 'a good lever', 'herring'],
      podcasts: [{ id: 'tide-tables-podcast', title: 'Tide Tables', status: 'active' }],
      step_days: 19,
      count: 60,
      updated: '2026-11-20T05:40:00.000Z',
    },
    {
      id: 'harbour-radio',
      title: 'Harbour Radio',
      tagline: 'Search the Harbour Radio record books',
      suffix: 'record books',
      colours: ['#ffd84d', '#ffd84d'],
      phrases: ['the ferry was late'],
      podcasts: [
        { id: 'morning-desk', title: 'The Morning Desk', status: 'active' },
        { id: 'night-watch', title: 'Night Watch', status: 'inactive' },
      ],
      step_days: 30,
      count: 24,
      updated: '2026-11-01T05:40:00.000Z',
    },
  ];
  sites.forEach((site, place) => {
    const pick = numbers(2463534242 + place * 977);
    site.episodes = Array.from({ length: site.count }, (_, index) => {
      const podcast = site.podcasts[index % site.podcasts.length];
      const title = TITLES[(index * 5 + place) % TITLES.length] + (index >= TITLES.length ? `, Part ${1 + Math.floor(index / TITLES.length)}` : '');
      const passages = passages_make(pick, 24 + pick(30));
      return episode_make(site, index, podcast, title, passages);
    });
  });
  const [tide] = sites;
  const [podcast] = tide.podcasts;
  const hostile = passages_make(numbers(77), 12);
  hostile[3] = { ...hostile[3], text: HOSTILE_TEXT };
  tide.episodes[56] = episode_make(tide, 56, podcast, HOSTILE_TITLE, hostile, { summary: HOSTILE_SUMMARY });
  const endless = `${'A title that does not end '.repeat(400)}\u202e\u0007 ../../etc`;
  tide.episodes[55] = episode_make(tide, 55, podcast, endless, passages_make(numbers(55), 20));
  tide.episodes[57] = episode_make(tide, 57, podcast, 'The Whole Spring Tide, Five Hours Without a Break', passages_make(numbers(99), 1600));
  tide.episodes[59] = episode_make(tide, 59, podcast, 'A Wheel With Nobody There', spoken.entries, {
    durationInSeconds: Math.ceil(spoken.length / 1000),
  });
  tide.episodes[59].words = spoken.words;
  for (const site of sites) site.json = site_json(site);
  return { sites, audio: spoken.audio };
}
