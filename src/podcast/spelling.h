/* Spelling corrections of transcripts: words that the model gets wrong in the same way each time.
 *
 * Files: `spelling-corrections.json` of the site and `_custom-spelling-corrections.json` of the workspace,
 *     {"correctionsToApply":[{"misspellings":["a","b"],"correctedSpelling":"C"}]}
 * A misspelling is found as whole words: no letter, mark, number or underscore (Unicode general categories L, M, N, and
 * U+005F) stands directly before or after it. Case does not matter (Unicode simple folding). The correction is put in
 * literally. One pass from left to right, at each place the longest misspelling that fits, so no correction is
 * corrected again and the order of the file does not matter (of equal ones the first counts). What is right already is
 * left alone and not counted. */
#ifndef TIDEMILL_PODCAST_SPELLING_H
#define TIDEMILL_PODCAST_SPELLING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "podcast/site.h"

struct spelling;

struct spelling_count {
    const char *corrected; /* correctedSpelling, borrowed from the corrections */
    size_t applied;
};

struct spelling_result {
    size_t total;
    struct spelling_count *counts; /* one for each group that changed something, in the order of the file */
    size_t count;
};

/* Loads the site's file and the workspace's; absent files are fine. A broken one is left out with a warning
 * (`warnings`, in `arena`, may be NULL), the other still counts. `workspace_root` may be NULL. Never NULL. */
struct spelling *spelling_load(struct arena *arena, const struct site *site, const char *workspace_root,
                               const char ***warnings, size_t *warning_count);
/* Of one text; NULL with ERROR_INVALID. */
struct spelling *spelling_parse(struct arena *arena, const char *text, size_t length, struct error *err);

/* True when there is nothing to correct. */
bool spelling_is_empty(const struct spelling *spelling);
/* A digest of the corrections, to tell whether they changed. */
const char *spelling_hash(const struct spelling *spelling);

/* A corrected copy of running text in `arena`; `text` itself when nothing changed. Adds to *result. */
const char *spelling_apply(struct arena *arena, const struct spelling *spelling, const char *text,
                           struct spelling_result *result);

/* An SRT file: only the texts of cues are touched, every other byte stays. *changed is `text` itself when nothing did.
 */
bool spelling_apply_srt(struct arena *arena, const struct spelling *spelling, const char *text, size_t length,
                        const char **changed, size_t *changed_length, struct spelling_result *result,
                        struct error *err);

/* The words file beside it ({"words":[{"w","s","e"}]}, or that list alone): each word, or run of words, that a
 * misspelling fills is corrected where the correction has as many words; otherwise its first word takes the whole
 * correction up to the end of its last. Of *result only the total is added to. A new reference (perhaps of `words`
 * itself). */
json_t *spelling_apply_words(const struct spelling *spelling, json_t *words, struct spelling_result *result);

/* Adds `from` to `to`, rows by correctedSpelling. */
void spelling_result_add(struct arena *arena, struct spelling_result *to, const struct spelling_result *from);

#endif
