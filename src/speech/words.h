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
#include "base/text.h"

struct word {
    int64_t start_ms;
    int64_t end_ms;
    const char *text;
};

struct word_list {
    struct word *items;
    size_t count;
};

/* Appends the JSON text above, compact, with a line end. `language` may be NULL ("und"). */
void words_write(struct text *out, const char *language, const struct word *words, size_t count);
/* The same as a JSON value, and its array alone; the caller owns them. */
json_t *words_to_json(const char *language, const struct word *words, size_t count);
json_t *words_to_array(const struct word *words, size_t count);
/* Reads the whole form back into `arena`; *language too, where asked for. ERROR_NEWER for a later version,
 * ERROR_INVALID (with the place) for anything that is not of this form, ERROR_LIMIT. */
bool words_from_json(struct arena *arena, const json_t *value, struct word_list *words, const char **language,
                     struct error *err);
/* Reads an array of {"w","s","e"}. Same errors. */
bool words_from_array(struct arena *arena, const json_t *array, struct word_list *words, struct error *err);

#endif
