/* Inside this room: how a row's JSON and its struct are kept equal. */
#ifndef TIDEMILL_PODCAST_MANIFEST_ROW_H
#define TIDEMILL_PODCAST_MANIFEST_ROW_H

#include "podcast/manifest.h"

/* Fills a struct from `row`, which it borrows from. ERROR_INVALID names the field. */
bool episode_read(struct arena *arena, json_t *row, struct episode *episode, struct error *err);

/* Set a field of the row and the struct to a value, if it is another one; NULL and numbers below 0 take the field out.
 * True if it changed. */
bool episode_set_text(struct episode *episode, const char *key, const char *value);
bool episode_set_number(struct episode *episode, const char *key, int64_t value);
/* Times, written as ISO 8601. */
bool episode_set_published(struct episode *episode, int64_t ms);
bool episode_set_downloaded(struct episode *episode, int64_t ms);
bool episode_set_duration(struct episode *episode, double seconds);
bool episode_set_transcripts(struct arena *arena, struct episode *episode, const struct episode_transcript *transcripts,
                             size_t count);

/* Adds a new row (takes it) to the end of the manifest. */
struct episode *manifest_append(struct manifest *manifest, json_t *row);
/* By publication, then number. */
void manifest_sort(struct manifest *manifest);

#endif
