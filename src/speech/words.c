#include "speech/words.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"

/* A JSON string of valid UTF-8 text (RFC 8259, section 7). */
static void string_write(struct text *out, const char *value) {
    text_append_char(out, '"');
    for (const char *c = value; *c; c++) {
        if (*c == '"' || *c == '\\') {
            text_append_char(out, '\\');
            text_append_char(out, *c);
        } else if ((unsigned char)*c < 0x20) {
            text_append_format(out, "\\u%04x", (unsigned)(unsigned char)*c);
        } else {
            text_append_char(out, *c);
        }
    }
    text_append_char(out, '"');
}

void words_write(struct text *out, const char *language, const struct word *words, size_t count) {
    text_append(out, "{\"version\":1,\"language\":");
    string_write(out, language && *language ? language : "und");
    text_append(out, ",\"words\":[");
    for (size_t i = 0; i < count; i++) {
        text_append(out, i ? ",{\"w\":" : "{\"w\":");
        string_write(out, words[i].text);
        text_append_format(out, ",\"s\":%" PRId64 ",\"e\":%" PRId64 "}", words[i].start_ms, words[i].end_ms);
    }
    text_append(out, "]}\n");
}

json_t *words_to_array(const struct word *words, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_pack("{s:s, s:I, s:I}", "w", words[i].text, "s",
                                               (json_int_t)words[i].start_ms, "e", (json_int_t)words[i].end_ms));
    return array;
}

json_t *words_to_json(const char *language, const struct word *words, size_t count) {
    return json_pack("{s:i, s:s, s:o}", "version", 1, "language", language && *language ? language : "und", "words",
                     words_to_array(words, count));
}

bool words_from_array(struct arena *arena, const json_t *array, struct word_list *words, struct error *err) {
    if (!json_is_array(array))
        return error_set(err, ERROR_INVALID, "words are no array");
    size_t count = json_array_size(array);
    if (count > LIMIT_WORDS)
        return error_set(err, ERROR_LIMIT, "%zu words; at most %d", count, LIMIT_WORDS);
    struct word *items = arena_alloc_array(arena, count, sizeof(*items));
    int64_t before = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *word = json_array_get(array, i);
        const json_t *text = json_object_get(word, "w");
        const json_t *start = json_object_get(word, "s");
        const json_t *end = json_object_get(word, "e");
        if (!json_is_string(text) || !json_is_integer(start) || !json_is_integer(end))
            return error_set(err, ERROR_INVALID, "word %zu lacks w, s or e", i);
        items[i] = (struct word){.start_ms = json_integer_value(start),
                                 .end_ms = json_integer_value(end),
                                 .text = arena_text(arena, json_string_value(text))};
        if (items[i].start_ms < before || items[i].end_ms < items[i].start_ms)
            return error_set(err, ERROR_INVALID, "word %zu goes back in time", i);
        before = items[i].start_ms;
    }
    *words = (struct word_list){.items = items, .count = count};
    return true;
}

bool words_from_json(struct arena *arena, const json_t *value, struct word_list *words, const char **language,
                     struct error *err) {
    const json_t *version = json_object_get(value, "version");
    if (!json_is_integer(version))
        return error_set(err, ERROR_INVALID, "a words file has no version");
    if (json_integer_value(version) > 1)
        return error_set(err, ERROR_NEWER, "the words file is of version %" JSON_INTEGER_FORMAT "; 1 is known",
                         json_integer_value(version));
    if (!words_from_array(arena, json_object_get(value, "words"), words, err))
        return false;
    if (language)
        *language = arena_text(arena, json_get_text(value, "language", "und"));
    return true;
}
