/* The list of a site's episodes: episode-manifest/full-episode-manifest.json.
 *
 * The schema is the one that users have (docs/sites.md); tidemill's own fields come after them and are optional, and
 * fields that it does not know are kept. An episode's identity is its row: its number (sequentialId) is given once and
 * never changes. A manifest is owned by one thread; a const one may be read by any number. */
#ifndef TIDEMILL_PODCAST_MANIFEST_H
#define TIDEMILL_PODCAST_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "store/object/object.h"

struct feed;

#define MANIFEST_KEY "episode-manifest/full-episode-manifest.json"

/* A transcript that the feed itself offers (podcast:transcript). */
struct episode_transcript {
    const char *url;
    const char *type;
    const char *language; /* NULL: not said */
};

struct episode {
    int64_t id; /* sequentialId, from 1; 0: not numbered yet */
    const char *podcast_id;
    const char *title;
    const char *file_key;
    const char *audio_url; /* originalAudioURL */
    const char *summary;
    double duration_s;     /* as the feed says; below 0: not said */
    int64_t published_ms;  /* UTC */
    bool published_known;  /* false: the row's date does not parse; such rows sort last */
    int64_t downloaded_ms; /* of the file key; below 0: not in the row */
    /* tidemill's own, all optional */
    const char *guid;
    const char *audio_file; /* "{fileKey}.m4a": what is in audio/{podcastId}/; NULL: "{fileKey}.mp3" */
    const char *audio_type; /* media type the feed says */
    int64_t audio_length;   /* bytes the feed says; below 0: not said */
    const char *link;
    int64_t season, number;   /* below 0: not said */
    const char *episode_type; /* full, trailer, bonus */
    const char *image_url;
    const char *chapters_url;
    struct episode_transcript *transcripts;
    size_t transcript_count;
    /* private */
    json_t *row;           /* as it stands in the file, unknown fields too; the texts above are borrowed from it */
    const char *fresh_url; /* see episode_fetch_url; not saved */
};

struct manifest {
    struct arena *arena;       /* everything lives here */
    struct episode **episodes; /* sorted by time of publication, then number; unreadable dates last */
    size_t count;
    int64_t updated_ms; /* lastUpdated; below 0: never */
    bool changed;       /* differs from what was loaded; manifest_save looks at it */
    /* private */
    size_t capacity;
    json_t *root;
    int64_t highest_id;
};

/* An empty one. */
struct manifest *manifest_open(void);
void manifest_close(struct manifest *manifest); /* NULL is allowed */

/* Reads MANIFEST_KEY of a site's files; absent gives an empty one, unreadable is an error (ERROR_INVALID names line and
 * column, or row and field). */
struct manifest *manifest_load(struct object_store *files, struct error *err);
/* The same from text. */
struct manifest *manifest_parse(const char *text, size_t length, struct error *err);
/* The text of the file: two spaces, keys in the order of the schema. The caller frees it. */
char *manifest_text(const struct manifest *manifest);
/* One row as JSON, as it stands in the file. A new reference. */
json_t *episode_json(const struct episode *episode);

/* Where to fetch the audio from: audio_url, or what the feed of this run said if that differs only by a signature that
 * expires (such changes are not saved, or each run would change the manifest). */
const char *episode_fetch_url(const struct episode *episode);

/* Writes it if it changed, with lastUpdated `now_ms`; otherwise touches nothing. *written (may be NULL) tells.
 * `changed` is false afterwards. */
bool manifest_save(struct manifest *manifest, struct object_store *files, int64_t now_ms, bool *written,
                   struct error *err);

/* The row with this number, key; NULL if none. */
struct episode *manifest_find(const struct manifest *manifest, int64_t id);
struct episode *manifest_find_key(const struct manifest *manifest, const char *podcast_id, const char *file_key);

/* The keys of an episode's files, in `arena`. */
char *episode_audio_key(struct arena *arena, const struct episode *episode); /* audio/{podcastId}/{audioFile} */
char *episode_transcript_key(struct arena *arena,
                             const struct episode *episode); /* transcripts/{podcastId}/{fileKey}.srt */
char *episode_words_key(struct arena *arena,
                        const struct episode *episode); /* transcripts/{podcastId}/{fileKey}.words.json */
char *episode_entries_key(struct arena *arena,
                          const struct episode *episode); /* search-entries/{podcastId}/{fileKey}.json */
/* Sets audioFile to "{fileKey}.{extension}" (with or without its dot; NULL and mp3 need no field). */
void episode_set_audio_extension(struct manifest *manifest, struct episode *episode, const char *extension);

/* ---- what a feed changes ---- */

struct manifest_merge {
    struct episode **added; /* new rows, in the order of the feed */
    size_t added_count;
    size_t moved;   /* same episode, new address of the audio */
    size_t updated; /* other facts changed (title, summary, duration, …) */
    size_t known;   /* rows that were there */
    size_t skipped; /* items that cannot be an episode; each has a warning */
    const char **warnings;
    size_t warning_count;
};

/* Brings the feed's items into the manifest as episodes of `podcast_id`. An item is the episode whose row
 * (docs/sites.md has the argument)
 *   1. has its guid, in the same podcast (a guid that the feed gives to several items counts for none);
 *   2. has its audio address, or the same one behind tracking prefixes and parameters, in the whole site;
 *   3. has its day and title, where nothing says that these are two: manifest_merge.c has the argument.
 * Otherwise it is new: a row with the time `now_ms` (a millisecond more for each that would collide) and no number yet.
 * `newest_only` > 0 takes only the first so many items. Titles are trimmed. Items without audio address or with an
 * unreadable date are skipped with a warning. Nothing is removed. The report lives in `arena`. */
void manifest_merge_feed(struct arena *arena, struct manifest *manifest, const char *podcast_id,
                         const struct feed *feed, size_t newest_only, int64_t now_ms, struct manifest_merge *report);

/* ---- two manifests of one site ---- */

struct manifest_union {
    size_t only_ours, only_theirs, both; /* rows */
    size_t renumbered;                   /* ours, whose numbers they had given to other episodes */
    bool is_ours, is_theirs;             /* the rows are exactly those of one of them */
};

/* The episodes of both: what two machines made of one site apart from each other. An episode is the same in both when
 * podcast and file key are, or the guid, or (where a guid is missing) the audio's address and the day. Theirs have been
 * seen by others, so their numbers stay; ours that would have the same one are numbered anew, at the end. Of two rows
 * with one file key that of the later manifest is taken; of two with different keys theirs, unless `keep` (may be NULL)
 * says that ours is the newer version. Nothing is removed. The result is the caller's; NULL on failure. */
typedef bool manifest_keep(void *to, const struct episode *mine, const struct episode *theirs);
struct manifest *manifest_unite(const struct manifest *ours, const struct manifest *theirs, manifest_keep *keep,
                                void *to, struct manifest_union *report, struct error *err);

/* Numbers the rows without number, in the order of publication, from the highest number on: on a first run the ranks by
 * date. Call it once after all feeds of a run, so that the order of the feeds does not matter. Then sorts. */
void manifest_number_new(struct manifest *manifest);

/* Gives an episode a new file key with download time `now_ms`, because its audio changed behind the same address;
 * number and row stay. Returns the old key (in the manifest's arena), whose files the caller removes once the new ones
 * are whole. */
const char *manifest_new_version(struct manifest *manifest, struct episode *episode, int64_t now_ms);

/* Takes a row out (a duplicate that a person resolved). Its number is not given again; the struct must not be used
 * afterwards. */
void manifest_remove(struct manifest *manifest, struct episode *episode);

#endif
