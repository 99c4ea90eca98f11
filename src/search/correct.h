/* Slips of the keyboard: the word of the index that was probably meant. Inside this room only. */
#ifndef TIDEMILL_SEARCH_CORRECT_H
#define TIDEMILL_SEARCH_CORRECT_H

#include "search/file.h"
#include "search/query.h"

/* All terms of an index with the passages that have them, in memory: about 16 bytes a term besides its letters. */
struct vocabulary;
void vocabulary_close(struct vocabulary *vocabulary); /* NULL is allowed */

/* The query with each unknown or rare word replaced by the one most probably meant, in `arena`; and *widened, with all
 * that may well have been meant, as
 * "(this OR the)". Both are NULL when there is nothing to replace.
 * Words are compared by Damerau-Levenshtein distance (Damerau, "A technique for computer detection and correction of
 * spelling errors", 1964; optimal string alignment), weighed against how often they are said, as a noisy channel would
 * (Kernighan, Church and Gale, "A spelling correction program based on a noisy channel model", 1990). */
bool query_correct(struct arena *arena, struct index_reader *const *readers, size_t reader_count,
                   const struct query *query, const char **suggestion, const char **widened, struct error *err);

#endif
