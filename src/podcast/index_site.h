/* Brings a site's index to date: for each episode with a transcript its passages, its search-entries file, its rows in
 * search-index/passages.sqlite. Only what differs is written; with nothing new nothing is touched. Episodes are taken
 * in the order of their numbers, each in a transaction of its own, so the same history gives the same bytes. */
#ifndef TIDEMILL_PODCAST_INDEX_SITE_H
#define TIDEMILL_PODCAST_INDEX_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/error.h"
#include "podcast/manifest.h"
#include "podcast/site.h"
#include "store/object/object.h"

#define INDEX_KEY "search-index/passages.sqlite"

/* What the caller remembers between runs (its state database), so that a transcript that did not change is not read
 * again. Both may be NULL: everything is then read and compared by content. `facts` says all that the result depends
 * on: the transcript's etag and size, the entries file's, and the row's own fields. */
struct index_memory {
    bool (*fresh)(void *to, int64_t episode_id, const char *facts);
    bool (*remember)(void *to, int64_t episode_id, const char *facts, struct error *err);
    void *to;
};

struct index_site_settings {
    bool force;                        /* takes nothing from memory and makes a new index */
    bool dry;                          /* only counts what would be done */
    const struct index_memory *memory; /* may be NULL */
    const struct cancel *cancel;
    void (*progress)(void *to, size_t done, size_t total);
    void *progress_to;
};

struct index_site_failure {
    const char *key; /* of the transcript */
    struct error error;
};

struct index_site_report {
    size_t total_transcripts;     /* transcripts of the manifest's episodes (totalSrtFiles) */
    size_t evaluated_transcripts; /* read in this run (evaluatedSrtFiles) */
    size_t new_entries;           /* passages that came into the index (newEntriesAdded) */
    size_t episodes_added, episodes_changed, episodes_removed;
    size_t entries_written; /* search-entries files */
    uint64_t passages;      /* in the index afterwards */
    bool changed;           /* anything was written */
    bool rebuilt;           /* the index was damaged or of another version, and made anew */
    const char **warnings;  /* transcripts that no row names, … */
    size_t warning_count;
    struct index_site_failure *failures; /* the others went on */
    size_t failure_count;
};

/* `files` are the site's (with OBJECT_LOCAL_PATH). False when nothing could be done (listing failed, index cannot be
 * opened, cancelled); single transcripts that fail are in the report. */
bool index_site(struct arena *arena, const struct site *site, const struct manifest *manifest,
                struct object_store *files, const struct index_site_settings *settings,
                struct index_site_report *report, struct error *err);

#endif
