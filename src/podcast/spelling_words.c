/* Corrections in the words file. The words are joined to one text by spaces; what is found in it is put back into the
 * words that it lies in. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/spelling_match.h"

struct joined {
    struct text text;
    size_t *starts; /* of each word in the text; one more for the end */
    size_t count;
};

static bool join(const json_t *list, struct joined *joined) {
    joined->count = json_array_size(list);
    joined->starts = memory_alloc_array(joined->count + 1, sizeof(*joined->starts));
    text_open(&joined->text, LIMIT_TRANSCRIPT_BYTES);
    for (size_t i = 0; i < joined->count; i++) {
        const char *word = json_get_text(json_array_get(list, i), "w", NULL);
        if (!word)
            return false;
        joined->starts[i] = joined->text.length;
        text_append(&joined->text, word);
        text_append_char(&joined->text, ' ');
    }
    joined->starts[joined->count] = joined->text.length;
    return !joined->text.overflow;
}

static size_t count_parts(const char *text) {
    size_t count = 1;
    for (; *text; text++)
        count += *text == ' ';
    return count;
}

static void append_word(json_t *out, const json_t *word, const char *text, size_t length, const json_t *end) {
    json_t *copy = json_copy((json_t *)(uintptr_t)word);
    json_object_set_new(copy, "w", json_stringn(text, length));
    if (end)
        json_object_set(copy, "e", (json_t *)(uintptr_t)end);
    json_array_append_new(out, copy);
}

/* Writes words first..last with `text` (their joined text, corrected) in place. */
static void write_run(json_t *out, const json_t *list, size_t first, size_t last, const char *text, size_t length,
                      bool one_to_one) {
    if (!one_to_one) {
        const json_t *end = json_object_get(json_array_get(list, last), "e");
        append_word(out, json_array_get(list, first), text, length, end);
        return;
    }
    for (size_t i = first; i <= last; i++) {
        const char *space = i < last ? memchr(text, ' ', length) : NULL;
        size_t size = space ? (size_t)(space - text) : length;
        append_word(out, json_array_get(list, i), text, size, NULL);
        size_t used = size + (space != NULL);
        text += used;
        length -= used;
    }
}

/* The next match that changes something. */
static bool next_change(const struct spelling *spelling, const struct text *text, size_t *from,
                        struct spelling_match *match) {
    while (spelling_find(spelling, text_value(text), text->length, from, match)) {
        const char *right = match->group ? spelling->groups[match->group - 1].corrected : NULL;
        size_t length = match->end - match->start;
        if (right && (strlen(right) != length || memcmp(right, text->data + match->start, length) != 0))
            return true;
    }
    return false;
}

/* Corrects from the match on as long as matches lie in the same words; *at is the first word after them. */
static size_t correct_run(const struct spelling *spelling, const json_t *list, const struct joined *joined, size_t *at,
                          struct spelling_match *match, size_t *from, bool *more, json_t *out) {
    TEXT_SCOPED struct text run;
    text_open(&run, LIMIT_TRANSCRIPT_BYTES * 2);
    size_t first = *at, last = first, copied = joined->starts[first], changes = 0;
    bool one_to_one = true;
    do {
        while (joined->starts[last + 1] < match->end)
            last++;
        size_t into = first;
        while (joined->starts[into + 1] <= match->start)
            into++;
        const char *right = spelling->groups[match->group - 1].corrected;
        one_to_one = one_to_one && (count_parts(right) == last - into + 1 || (into == last && first == last));
        text_append_part(&run, joined->text.data + copied, match->start - copied);
        text_append(&run, right);
        copied = match->end;
        changes++;
        *more = next_change(spelling, &joined->text, from, match);
    } while (*more && match->start < joined->starts[last + 1]);
    text_append_part(&run, joined->text.data + copied, joined->starts[last + 1] - 1 - copied);
    write_run(out, list, first, last, text_value(&run), run.length, one_to_one && last > first);
    *at = last + 1;
    return changes;
}

json_t *spelling_apply_words(const struct spelling *spelling, json_t *words, struct spelling_result *result) {
    json_t *list = json_is_object(words) ? json_object_get(words, "words") : words;
    struct joined joined = {0};
    struct spelling_match match;
    size_t from = 0, changes = 0;
    json_t *out = NULL;
    if (json_is_array(list) && join(list, &joined) && next_change(spelling, &joined.text, &from, &match)) {
        bool more = true;
        out = json_array();
        for (size_t i = 0; i < joined.count;) {
            if (more && match.start < joined.starts[i + 1])
                changes += correct_run(spelling, list, &joined, &i, &match, &from, &more, out);
            else
                json_array_append(out, json_array_get(list, i++));
        }
    }
    text_close(&joined.text);
    free(joined.starts);
    if (!out)
        return json_incref(words);
    result->total += changes;
    if (!json_is_object(words))
        return out;
    json_t *changed = json_copy(words);
    json_object_set_new(changed, "words", out);
    return changed;
}
