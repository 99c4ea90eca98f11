/* The search-entries file of an episode: a compact JSON array of its passages, as the page reads it.
 *     [{"id":"12_3000","startTimeMs":3000,"endTimeMs":11240,"text":"…","sequentialEpisodeIdAsString":"12",
 *       "episodePublishedUnixTimestamp":1706659200000}, …]
 * Ids are unique, because passages never share a start (passage.h). An episode without a readable date has null there.
 */
#ifndef TIDEMILL_PODCAST_ENTRIES_H
#define TIDEMILL_PODCAST_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "podcast/manifest.h"
#include "search/index.h"
#include "store/object/object.h"

/* The file's text; the caller frees it. */
char *entries_text(const struct episode *episode, const struct index_passage *passages, size_t count);

/* Writes it where what is there says something else (spacing counts for nothing); *written (may be NULL) tells. */
bool entries_write(struct object_store *files, const struct episode *episode, const struct index_passage *passages,
                   size_t count, bool *written, struct error *err);

/* Reads such a file (any spacing, unknown fields allowed). ERROR_INVALID. `ids` (may be NULL) gets the id of each. */
bool entries_parse(struct arena *arena, const char *text, size_t length, struct index_passage **passages,
                   const char ***ids, size_t *count, struct error *err);

#endif
