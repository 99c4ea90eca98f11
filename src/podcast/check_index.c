/* The index against the transcripts: every passage, and the fields that hits show. */
#include <string.h>

#include "podcast/check_internal.h"
#include "podcast/index_site.h"

void check_index_open(struct checking *checking) {
    const char *path = object_local_path(checking->files, checking->arena, INDEX_KEY);
    struct error err = {0};
    checking->index = path ? index_reader_open(path, &err) : NULL;
    if (checking->index) {
        const char *scratch = checking->settings->deep ? checking->settings->scratch : NULL;
        if (scratch && !index_check(path, scratch, &err))
            check_add(checking, CHECK_ERROR, "index-damaged", NULL, INDEX_KEY, err.message, "The index is damaged");
        return;
    }
    if (err.code == ERROR_ABSENT) {
        if (checking->report->summary.transcript_files)
            check_add(checking, CHECK_ERROR, "missing-file", NULL, INDEX_KEY, NULL,
                      "Transcripts are there, but no index: nothing can be found");
    } else if (path) {
        check_add(checking, CHECK_ERROR, "index-damaged", NULL, INDEX_KEY, err.message, "The index cannot be read");
    }
}

static const struct index_entry *entry_of(const struct checking *checking, int64_t number) {
    size_t count = 0;
    const struct index_entry *entries = index_reader_entries(checking->index, &count);
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle].episode.number == number)
            return &entries[middle];
        if (entries[middle].episode.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool same_passages(struct checking *checking, const struct index_entry *entry,
                          const struct index_passage *passages, size_t count, size_t *at) {
    struct index_passage *held = NULL;
    size_t held_count = 0;
    *at = 0;
    if (!index_reader_passages(checking->work, checking->index, entry->episode.number, &held, &held_count, NULL))
        return false;
    for (; *at < held_count && *at < count; ++*at) {
        const struct index_passage *a = &held[*at], *b = &passages[*at];
        if (a->start_ms != b->start_ms || a->end_ms != b->end_ms || a->text_bytes != b->text_bytes ||
            memcmp(a->text, b->text, a->text_bytes) != 0)
            return false;
    }
    return held_count == count;
}

void check_index_episode(struct checking *checking, const struct check_group *group,
                         const struct index_passage *passages, size_t count) {
    const struct episode *episode = group->episode;
    if (!checking->index || episode->id <= 0)
        return;
    const struct index_entry *entry = entry_of(checking, episode->id);
    size_t at = 0;
    if (!entry) {
        check_add(checking, CHECK_ERROR, "index-mismatch", group, INDEX_KEY, NULL,
                  "The index does not hold episode \"%s\"", episode->title);
        return;
    }
    if (!same_passages(checking, entry, passages, count, &at))
        check_add(checking, CHECK_ERROR, "index-mismatch", group, INDEX_KEY,
                  arena_format(checking->work,
                               "%u passages in the index, %zu in the transcript; they part at number %zu",
                               entry->passages, count, at),
                  "The index differs from the transcript of episode \"%s\"", episode->title);
    else if (strcmp(entry->episode.file_key, episode->file_key) != 0 ||
             strcmp(entry->episode.podcast_id, episode->podcast_id) != 0 ||
             strcmp(entry->episode.title, episode->title) != 0 ||
             (episode->published_known && entry->episode.published_ms != episode->published_ms))
        check_add(checking, CHECK_ERROR, "index-mismatch", group, INDEX_KEY, NULL,
                  "The index has another title, date or file key for episode \"%s\"", episode->title);
}

/* Episodes of the index that no row or no transcript stands for. */
void check_index_extra(struct checking *checking) {
    if (!checking->index || !checking->manifest)
        return;
    size_t count = 0;
    const struct index_entry *entries = index_reader_entries(checking->index, &count);
    struct text_map numbers;
    text_map_open(&numbers, checking->arena);
    for (size_t i = 0; i < checking->group_count; i++) {
        struct check_group *group = checking->groups[i];
        if (group->episode && group->files[CHECK_TRANSCRIPT])
            text_map_add(&numbers, arena_format(checking->arena, "%lld", (long long)group->episode->id), group);
    }
    for (size_t i = 0; i < count; i++)
        if (!text_map_find(&numbers, arena_format(checking->arena, "%u", entries[i].episode.number)))
            check_add(checking, CHECK_ERROR, "index-mismatch", NULL, INDEX_KEY, entries[i].episode.file_key,
                      "The index holds episode number %u, which has no transcript", entries[i].episode.number);
}
