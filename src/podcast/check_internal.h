/* Inside this room: what the parts of the check share. */
#ifndef TIDEMILL_PODCAST_CHECK_INTERNAL_H
#define TIDEMILL_PODCAST_CHECK_INTERNAL_H

#include "podcast/check.h"
#include "podcast/manifest.h"
#include "podcast/text_map.h"
#include "search/index.h"
#include "speech/srt.h"

/* One file of the site, by its key. */
struct check_file {
    const char *key;
    const char *podcast_id;
    const char *file_key; /* its name without extension */
    const char *extension;
    uint64_t size;
    const struct episode *episode; /* the row that it belongs to; NULL: none */
};

enum check_kind { CHECK_AUDIO, CHECK_TRANSCRIPT, CHECK_ENTRIES, CHECK_KIND_COUNT };

/* All files of one file key of one podcast, or all that is known of a row. */
struct check_group {
    const char *podcast_id;
    const char *file_key;
    const struct check_file *files[CHECK_KIND_COUNT];
    const struct check_file *words;
    const struct episode *episode;
};

struct checking {
    struct arena *arena;
    struct arena *work; /* of one episode */
    const struct site *site;
    struct object_store *files;
    const struct check_settings *settings;
    struct check_report *report;
    size_t capacity, dropped;
    struct manifest *manifest; /* NULL: cannot be read */
    struct check_group **groups;
    size_t group_count, group_capacity;
    struct text_map by_key; /* "podcast/fileKey": its group */
    struct index_reader *index;
};

/* Adds an issue about a group, or about one of its files (both may be NULL). */
void check_add(struct checking *checking, enum check_severity severity, const char *type,
               const struct check_group *group, const char *file_path, const char *details, const char *format, ...)
    __attribute__((format(printf, 7, 8)));

/* Opens the group's files and says what is wrong in them. False on cancel only. */
bool check_group_content(struct checking *checking, const struct check_group *group, struct error *err);

/* What was measured of an audio file. */
struct check_sound {
    bool known;
    int64_t duration_ms;
    bool has_spans; /* where something is heard */
    struct span_list *spans;
    bool nobody_speaks; /* the words file says so */
};

void check_transcript(struct checking *checking, const struct check_group *group, const struct check_sound *sound,
                      const struct cue_list *cues);
void check_entries(struct checking *checking, const struct check_group *group, const struct index_passage *passages,
                   size_t count);
/* Opens the index and compares what it holds with the rows. */
void check_index_open(struct checking *checking);
void check_index_episode(struct checking *checking, const struct check_group *group,
                         const struct index_passage *passages, size_t count);
void check_index_extra(struct checking *checking);

#endif
