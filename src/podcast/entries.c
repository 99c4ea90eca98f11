#include "podcast/entries.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"

char *entries_text(const struct episode *episode, const struct index_passage *passages, size_t count) {
    JSON_OWNED json_t *list = json_array();
    char number[32], id[64];
    snprintf(number, sizeof(number), "%lld", (long long)episode->id);
    for (size_t i = 0; i < count; i++) {
        const struct index_passage *passage = &passages[i];
        snprintf(id, sizeof(id), "%s_%u", number, passage->start_ms);
        json_t *entry = json_object();
        json_object_set_new(entry, "id", json_string(id));
        json_object_set_new(entry, "startTimeMs", json_integer(passage->start_ms));
        json_object_set_new(entry, "endTimeMs", json_integer(passage->end_ms));
        json_object_set_new(entry, "text", json_stringn(passage->text, passage->text_bytes));
        json_object_set_new(entry, "sequentialEpisodeIdAsString", json_string(number));
        json_object_set_new(entry, "episodePublishedUnixTimestamp",
                            episode->published_known ? json_integer(episode->published_ms) : json_null());
        json_array_append_new(list, entry);
    }
    return json_text(list, 0);
}

/* Whether the file that is there says the same, in whatever spacing: the older scripts' files are then left as they
 * are, and need not be uploaded again. A file that cannot be read says something else. */
static bool says_the_same(struct object_store *files, struct arena *arena, const char *key, const char *text) {
    char *there = NULL;
    size_t length = 0;
    if (!object_get_bytes(files, arena, key, LIMIT_TRANSCRIPT_BYTES, &there, &length, NULL))
        return false;
    JSON_OWNED json_t *old = json_parse(there, length, NULL);
    JSON_OWNED json_t *now = json_parse(text, strlen(text), NULL);
    return old && now && json_equal(old, now);
}

bool entries_write(struct object_store *files, const struct episode *episode, const struct index_passage *passages,
                   size_t count, bool *written, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    TEXT_OWNED char *text = entries_text(episode, passages, count);
    char *key = episode_entries_key(arena, episode);
    if (says_the_same(files, arena, key, text)) {
        if (written)
            *written = false;
        return true;
    }
    return object_put_if_changed(files, key, text, strlen(text), written, err);
}

static bool read_ms(const json_t *entry, const char *key, uint32_t *ms) {
    int64_t value = json_get_int(entry, key, -1);
    if (value < 0 || value > UINT32_MAX)
        return false;
    *ms = (uint32_t)value;
    return true;
}

bool entries_parse(struct arena *arena, const char *text, size_t length, struct index_passage **passages,
                   const char ***ids, size_t *count, struct error *err) {
    JSON_OWNED json_t *list = json_parse(text, length, err);
    if (!list)
        return false;
    if (!json_is_array(list))
        return error_set(err, ERROR_INVALID, "is not a list");
    size_t rows = json_array_size(list);
    struct index_passage *made = arena_alloc_array(arena, rows + 1, sizeof(*made));
    const char **names = arena_alloc_array(arena, rows + 1, sizeof(*names));
    for (size_t i = 0; i < rows; i++) {
        const json_t *entry = json_array_get(list, i);
        const char *id = json_get_text(entry, "id", NULL);
        const json_t *said = json_object_get(entry, "text");
        if (!id || !json_is_string(said) || !read_ms(entry, "startTimeMs", &made[i].start_ms) ||
            !read_ms(entry, "endTimeMs", &made[i].end_ms))
            return error_set(err, ERROR_INVALID, "entry %zu: id, startTimeMs, endTimeMs or text is missing or wrong",
                             i);
        names[i] = arena_text(arena, id);
        made[i].text = arena_text_part(arena, json_string_value(said), json_string_length(said));
        made[i].text_bytes = json_string_length(said);
    }
    *passages = made;
    if (ids)
        *ids = names;
    *count = rows;
    return true;
}
