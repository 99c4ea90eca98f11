/* The manifest, file keys of any title, and search-entries files: what an older system, or a damaged disk, left behind.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "podcast/entries.h"
#include "podcast/file_key.h"
#include "podcast/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any title gives a key that reads back, and is an allowed part of an object's key. */
static void try_title(struct arena *arena, const char *title) {
    struct file_key parsed;
    char *key = file_key_make(arena, title, 1706659200000, 1750000000000);
    if (!file_key_parse(arena, key, &parsed, NULL) || parsed.downloaded_ms != 1750000000000 ||
        strlen(parsed.title) > 50 || strchr(key, '/'))
        abort();
    file_key_legacy(arena, title, 1706659200000);
    if (file_key_parse(arena, title, &parsed, NULL))
        file_key_stem(arena, title);
}

static const char another[] =
    "{\"lastUpdated\":\"2025-06-01T10:00:00.000Z\",\"episodes\":[{\"sequentialId\":1,\"podcastId\":\"p\",\"title\":"
    "\"T\","
    "\"fileKey\":\"2024-01-01_T--1700000000000\",\"originalAudioURL\":\"https://example.org/1.mp3\",\"summary\":\"\","
    "\"publishedAt\":\"2024-01-01T08:00:00.000Z\"}]}";

/* No row of either is lost, and each has a number of its own. */
static void try_union(const struct manifest *ours, const struct manifest *theirs) {
    struct manifest_union report = {0};
    struct manifest *united = manifest_unite(ours, theirs, NULL, NULL, &report, NULL);
    if (!united)
        return;
    if (united->count < ours->count || united->count < theirs->count)
        abort();
    for (size_t i = 0; i < united->count; i++)
        if (manifest_find(united, united->episodes[i]->id) != united->episodes[i])
            abort();
    manifest_close(united);
}

static void try_both(const char *text, size_t size) {
    struct manifest *given = manifest_parse(text, size, NULL);
    struct manifest *own = manifest_parse(another, sizeof(another) - 1, NULL);
    if (given && given->count < 1000) {
        try_union(given, own);
        try_union(own, given);
        try_union(given, given);
    }
    manifest_close(given);
    manifest_close(own);
}

static void try_manifest(const char *text, size_t size) {
    struct manifest *manifest = manifest_parse(text, size, NULL);
    if (!manifest)
        return;
    manifest_number_new(manifest);
    for (size_t i = 1; i < manifest->count; i++)
        if (manifest->episodes[i]->id <= 0 || manifest->episodes[i]->id == manifest->episodes[i - 1]->id)
            abort();
    if (manifest->count)
        manifest_new_version(manifest, manifest->episodes[0], 1750000000000);
    char *written = manifest_text(manifest);
    size_t count = manifest->count;
    manifest_close(manifest);
    /* What is written is read again, with as many rows. */
    manifest = manifest_parse(written, strlen(written), NULL);
    if (!manifest || manifest->count != count)
        abort();
    manifest_close(manifest);
    free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 65536)
        return 0;
    ARENA_OWNED struct arena *arena = arena_open();
    char *text = arena_text_part(arena, (const char *)data, size);
    try_title(arena, text);
    try_manifest(text, size);
    try_both(text, size);
    struct index_passage *passages = NULL;
    size_t count = 0;
    entries_parse(arena, text, size, &passages, NULL, &count, NULL);
    return 0;
}
