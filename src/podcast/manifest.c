#include "podcast/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/file_key.h"
#include "podcast/manifest_row.h"
#include "podcast/text_map.h"

/* Numbers of rows that were taken out are not given again: the highest number ever given is kept here once it is not
 * that of a row. */
#define HIGHEST_KEY "highestSequentialId"

struct manifest *manifest_open(void) {
    struct manifest *manifest = memory_alloc(sizeof(*manifest));
    manifest->arena = arena_open();
    manifest->root = json_object();
    manifest->updated_ms = -1;
    json_object_set_new(manifest->root, "lastUpdated", json_null());
    json_object_set_new(manifest->root, "episodes", json_array());
    return manifest;
}

void manifest_close(struct manifest *manifest) {
    if (!manifest)
        return;
    json_decref(manifest->root);
    arena_close(manifest->arena);
    free(manifest);
}

static void append_episode(struct manifest *manifest, struct episode *episode) {
    manifest->episodes =
        arena_grow(manifest->arena, manifest->episodes, manifest->count, &manifest->capacity, sizeof(struct episode *));
    manifest->episodes[manifest->count++] = episode;
    if (episode->id > manifest->highest_id)
        manifest->highest_id = episode->id;
}

struct episode *manifest_append(struct manifest *manifest, json_t *row) {
    struct episode *episode = arena_alloc(manifest->arena, sizeof(*episode));
    json_array_append_new(json_object_get(manifest->root, "episodes"), row);
    if (!episode_read(manifest->arena, row, episode, NULL))
        abort(); /* the caller made the row */
    append_episode(manifest, episode);
    manifest->changed = true;
    return episode;
}

static int by_id(const void *a, const void *b) {
    const struct episode *left = *(struct episode *const *)a, *right = *(struct episode *const *)b;
    return (left->id > right->id) - (left->id < right->id);
}

static int by_time(const void *a, const void *b) {
    const struct episode *left = *(struct episode *const *)a, *right = *(struct episode *const *)b;
    if (left->published_known != right->published_known)
        return left->published_known ? -1 : 1;
    if (left->published_known && left->published_ms != right->published_ms)
        return left->published_ms < right->published_ms ? -1 : 1;
    return by_id(a, b);
}

void manifest_sort(struct manifest *manifest) {
    if (manifest->count)
        qsort(manifest->episodes, manifest->count, sizeof(struct episode *), by_time);
    json_t *list = json_object_get(manifest->root, "episodes");
    bool sorted = true;
    for (size_t i = 0; i < manifest->count && sorted; i++)
        sorted = json_array_get(list, i) == manifest->episodes[i]->row;
    if (sorted)
        return;
    json_t *ordered = json_array();
    for (size_t i = 0; i < manifest->count; i++)
        json_array_append(ordered, manifest->episodes[i]->row);
    json_object_set_new(manifest->root, "episodes", ordered);
    manifest->changed = true;
}

/* Rows of one load lie side by side, so their addresses say which came first in the file. */
static int by_id_and_place(const void *a, const void *b) {
    const struct episode *left = *(struct episode *const *)a, *right = *(struct episode *const *)b;
    int order = by_id(a, b);
    return order ? order : (left > right) - (left < right);
}

/* Two rows with one number, as a manifest mended by hand may have: the later row gets a new one. */
static void drop_double_ids(struct manifest *manifest) {
    struct episode **sorted = memory_alloc_array(manifest->count + 1, sizeof(struct episode *));
    if (manifest->count)
        memcpy(sorted, manifest->episodes, manifest->count * sizeof(struct episode *));
    qsort(sorted, manifest->count, sizeof(struct episode *), by_id_and_place);
    int64_t last = 0;
    for (size_t i = 0; i < manifest->count; i++) {
        if (sorted[i]->id == last)
            sorted[i]->id = 0;
        else
            last = sorted[i]->id;
    }
    free(sorted);
}

static bool read_root(struct manifest *manifest, struct error *err) {
    const json_t *list = json_object_get(manifest->root, "episodes");
    if (!json_is_array(list))
        return error_set(err, ERROR_INVALID, "episodes is %s", list ? "not a list" : "missing");
    size_t count = json_array_size(list);
    if (count > LIMIT_MANIFEST_EPISODES)
        return error_set(err, ERROR_LIMIT, "%zu episodes; at most %d", count, LIMIT_MANIFEST_EPISODES);
    struct episode *rows = arena_alloc_array(manifest->arena, count ? count : 1, sizeof(*rows));
    for (size_t i = 0; i < count; i++) {
        if (!episode_read(manifest->arena, json_array_get(list, i), &rows[i], err))
            return error_context(err, "episodes[%zu]", i);
        append_episode(manifest, &rows[i]);
    }
    drop_double_ids(manifest);
    int64_t highest = json_get_int(manifest->root, HIGHEST_KEY, 0);
    if (highest > manifest->highest_id)
        manifest->highest_id = highest;
    const char *updated = json_get_text(manifest->root, "lastUpdated", NULL);
    if (!updated || !clock_parse_iso(updated, &manifest->updated_ms))
        manifest->updated_ms = -1;
    return true;
}

struct manifest *manifest_parse(const char *text, size_t length, struct error *err) {
    json_t *root = json_parse(text, length, err);
    if (!root)
        return NULL;
    if (!json_is_object(root)) {
        json_decref(root);
        error_set(err, ERROR_INVALID, "is not an object");
        return NULL;
    }
    struct manifest *manifest = manifest_open();
    json_decref(manifest->root);
    manifest->root = root;
    if (!read_root(manifest, err)) {
        manifest_close(manifest);
        return NULL;
    }
    return manifest;
}

struct manifest *manifest_load(struct object_store *files, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct error fault = {0};
    char *text = NULL;
    size_t length = 0;
    if (!object_get_bytes(files, arena, MANIFEST_KEY, LIMIT_JSON_BYTES, &text, &length, &fault)) {
        if (fault.code != ERROR_ABSENT) {
            error_copy(err, &fault);
            error_context(err, MANIFEST_KEY);
            return NULL;
        }
        struct manifest *empty = manifest_open();
        empty->changed = true;
        return empty;
    }
    struct manifest *manifest = manifest_parse(text, length, err);
    if (!manifest)
        error_context(err, MANIFEST_KEY);
    return manifest;
}

char *manifest_text(const struct manifest *manifest) {
    return json_text(manifest->root, 2);
}

bool manifest_save(struct manifest *manifest, struct object_store *files, int64_t now_ms, bool *written,
                   struct error *err) {
    if (written)
        *written = false;
    if (!manifest->changed)
        return true;
    int64_t before_ms = manifest->updated_ms;
    JSON_OWNED json_t *before = json_incref(json_object_get(manifest->root, "lastUpdated"));
    char iso[CLOCK_ISO_SIZE];
    json_object_set_new(manifest->root, "lastUpdated", json_string(clock_iso(now_ms, iso)));
    manifest->updated_ms = now_ms;
    TEXT_OWNED char *text = manifest_text(manifest);
    if (!object_put_bytes(files, MANIFEST_KEY, text, strlen(text), NULL, err)) {
        manifest->updated_ms = before_ms;
        json_object_set(manifest->root, "lastUpdated", before ? before : json_null());
        return error_context(err, MANIFEST_KEY);
    }
    manifest->changed = false;
    if (written)
        *written = true;
    return true;
}

struct episode *manifest_find(const struct manifest *manifest, int64_t id) {
    for (size_t i = 0; i < manifest->count; i++)
        if (manifest->episodes[i]->id == id && id)
            return manifest->episodes[i];
    return NULL;
}

struct episode *manifest_find_key(const struct manifest *manifest, const char *podcast_id, const char *file_key) {
    for (size_t i = 0; i < manifest->count; i++)
        if (!strcmp(manifest->episodes[i]->file_key, file_key) &&
            !strcmp(manifest->episodes[i]->podcast_id, podcast_id))
            return manifest->episodes[i];
    return NULL;
}

void episode_set_audio_extension(struct manifest *manifest, struct episode *episode, const char *extension) {
    if (extension && *extension == '.')
        extension++;
    bool plain = !extension || !*extension || !strcmp(extension, "mp3");
    const char *file = plain ? NULL : arena_format(manifest->arena, "%s.%s", episode->file_key, extension);
    manifest->changed |= episode_set_text(episode, "audioFile", file);
}

void manifest_number_new(struct manifest *manifest) {
    struct episode **fresh = memory_alloc_array(manifest->count + 1, sizeof(struct episode *));
    size_t count = 0;
    for (size_t i = 0; i < manifest->count; i++)
        if (manifest->episodes[i]->id == 0)
            fresh[count++] = manifest->episodes[i];
    /* Equal times keep the order in which they were found; the sort is not stable, so a provisional number says it. */
    for (size_t i = 0; i < count; i++)
        fresh[i]->id = manifest->highest_id + 1 + (int64_t)i;
    qsort(fresh, count, sizeof(struct episode *), by_time);
    for (size_t i = 0; i < count; i++) {
        fresh[i]->id = 0;
        episode_set_number(fresh[i], "sequentialId", ++manifest->highest_id);
        manifest->changed = true;
    }
    free(fresh);
    if (count && json_object_get(manifest->root, HIGHEST_KEY))
        json_object_set_new(manifest->root, HIGHEST_KEY, json_integer(manifest->highest_id));
    manifest_sort(manifest);
}

static bool key_is_taken(const struct manifest *manifest, const char *key) {
    for (size_t i = 0; i < manifest->count; i++)
        if (!strcmp(manifest->episodes[i]->file_key, key))
            return true;
    return false;
}

const char *manifest_new_version(struct manifest *manifest, struct episode *episode, int64_t now_ms) {
    const char *old = arena_text(manifest->arena, episode->file_key);
    int64_t ms = now_ms > episode->downloaded_ms ? now_ms : episode->downloaded_ms + 1;
    char *key = file_key_make(manifest->arena, episode->title, episode->published_ms, ms);
    while (key_is_taken(manifest, key))
        key = file_key_make(manifest->arena, episode->title, episode->published_ms, ++ms);
    const char *dot = episode->audio_file ? strrchr(episode->audio_file, '.') : NULL;
    char *extension = dot ? arena_text(manifest->arena, dot + 1) : NULL;
    episode_set_text(episode, "fileKey", key);
    episode_set_downloaded(episode, ms);
    episode_set_audio_extension(manifest, episode, extension);
    manifest->changed = true;
    return old;
}

void manifest_remove(struct manifest *manifest, struct episode *episode) {
    size_t at = 0;
    while (at < manifest->count && manifest->episodes[at] != episode)
        at++;
    if (at == manifest->count)
        return;
    manifest->count--;
    memmove(manifest->episodes + at, manifest->episodes + at + 1, (manifest->count - at) * sizeof(struct episode *));
    json_t *list = json_object_get(manifest->root, "episodes");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_array_get(list, i) == episode->row) {
            json_array_remove(list, i);
            break;
        }
    json_object_set_new(manifest->root, HIGHEST_KEY, json_integer(manifest->highest_id));
    manifest->changed = true;
}
