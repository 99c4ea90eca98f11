/* Words and their times, kept as JSON beside the SRT:
 *     {"version":1,"language":"en","words":[{"w":"Hello","s":1230,"e":1480},…]}
 * `w` is the word as written, with its punctuation; `s` and `e` are milliseconds from the start of the audio, s <= e,
 * starts never going back. */
#ifndef TIDEMILL_SPEECH_WORDS_H
#define TIDEMILL_SPEECH_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

struct word {
    int64_t start_ms;
    int64_t end_ms;
    const char *text;
};

struct word_list {
    struct word *items;
    size_t count;
};

/* The JSON value above; the caller owns it. `language` may be NULL ("und"). */
json_t *words_to_json(const char *language, const struct word *words, size_t count);
/* Reads it back into `arena`. ERROR_NEWER for a later version, ERROR_INVALID (with the place) for anything that is not
 * of this form, ERROR_LIMIT. */
bool words_from_json(struct arena *arena, const json_t *value, struct word_list *words, struct error *err);

#endif
