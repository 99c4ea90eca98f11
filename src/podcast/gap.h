/* The gap report: what a site has here, in the cloud, and in both (spec/podcast.md section 7.3). It is made from a sync
 * that has looked (sync/sync.h), which compares content; a listing that failed never becomes a report.
 *
 * Counted are the files that the older scripts counted (audio, .srt, .json, .xml, .msp, by folder), and this program's
 * own: other kinds of audio, .words.json, .sqlite. */
#ifndef TIDEMILL_PODCAST_GAP_H
#define TIDEMILL_PODCAST_GAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "sync/sync.h"

/* Category, folder (as in --sync-folders), its name in the report. */
#define GAP_CATEGORIES(X)                                                                                              \
    X(GAP_AUDIO, "audio", "audio")                                                                                     \
    X(GAP_TRANSCRIPTS, "transcripts", "transcripts")                                                                   \
    X(GAP_MANIFEST, "episode-manifest", "manifest")                                                                    \
    X(GAP_RSS, "rss", "rss")                                                                                           \
    X(GAP_SEARCH_ENTRIES, "search-entries", "searchEntries")                                                           \
    X(GAP_SEARCH_INDEX, "search-index", "searchIndex")

enum gap_category {
#define X(category, folder, name) category,
    GAP_CATEGORIES(X)
#undef X
        GAP_CATEGORY_COUNT
};

const char *gap_folder(enum gap_category category);
/* The category of a folder's name; false when it is none. */
bool gap_folder_find(const char *folder, enum gap_category *category);
/* The category that a key is counted in; false when it is not counted. */
bool gap_category_of(const char *key, enum gap_category *category);

struct gap_list {
    const char **keys; /* in byte order; NULL when only counted */
    size_t count, capacity;
};

/* The same key with different bytes on both sides. */
struct gap_conflict {
    const char *key;
    enum gap_category category;
    uint64_t local_size, s3_size;
    int64_t local_ms, s3_ms;
    bool changed_here, changed_there; /* since both agreed last; both, too, when they never did */
    const char *done;                 /* what a sync does about it */
};

struct gap_report {
    struct gap_list local_only[GAP_CATEGORY_COUNT];
    struct gap_list s3_only[GAP_CATEGORY_COUNT];
    struct gap_list consistent[GAP_CATEGORY_COUNT];
    struct gap_conflict *conflicts;
    size_t conflict_count, conflict_capacity;
    size_t to_upload;   /* only here, or changed here alone */
    size_t to_download; /* only there, or changed there alone */
    size_t cloud_files; /* all that the cloud has, counted or not */
};

/* From a sync whose left are the site's files and whose right is the bucket, after sync_look. `names`: the lists get
 * their keys, and not only their counts. A sync to one side does not tell what only the other has: `local` (may be
 * NULL) is listed for that; what only the cloud has is in s3_only of a sync to the left or both ways alone. */
bool gap_read(struct arena *arena, struct sync *sync, enum sync_direction direction, struct object_store *local,
              bool names, struct gap_report *report, struct error *err);

size_t gap_total(const struct gap_list lists[GAP_CATEGORY_COUNT]);

/* {"localOnly","s3Only","consistent": {"audio": [], …}, "conflicts": [{"key","localSize","s3Size","localModified",
 * "s3Modified","resolution"}], "summary": {…}}; a new reference. Needs the names. */
json_t *gap_json(const struct gap_report *report);
/* The lines for people; the caller frees them. `names`: with the files below the counts. */
char *gap_text(const char *site_id, const struct gap_report *report, bool names);

#endif
