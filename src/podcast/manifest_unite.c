/* Two manifests of one site made one. The cloud's has been read by others: links and pages have its numbers. So its
 * rows come first, and ours are found among them. */
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "podcast/manifest.h"
#include "podcast/manifest_row.h"
#include "podcast/text_map.h"

enum { DAY_MS = 86400000, MOST_SAME_KEYS = 100 };

#define HIGHEST_KEY "highestSequentialId"

struct uniting {
    struct arena *arena;
    const struct manifest *ours, *theirs;
    manifest_keep *keep;
    void *to;
    struct manifest_union *report;
    struct text_map keys, guids, urls; /* of ours */
    struct text_map claimed;           /* of ours, by podcast and key: they are a row of theirs */
    bool *given;                       /* by number: whether theirs have given it */
    json_t *rows;
};

static const char *in_podcast(struct arena *arena, const struct episode *episode, const char *what) {
    return what ? arena_format(arena, "%s\n%s", episode->podcast_id, what) : NULL;
}

static void learn_ours(struct uniting *uniting) {
    struct text_map *maps[] = {&uniting->keys, &uniting->guids, &uniting->urls, &uniting->claimed};
    for (size_t i = 0; i < ARRAY_LENGTH(maps); i++)
        text_map_open(maps[i], uniting->arena);
    for (size_t i = 0; i < uniting->ours->count; i++) {
        struct episode *mine = uniting->ours->episodes[i];
        text_map_add(&uniting->keys, in_podcast(uniting->arena, mine, mine->file_key), mine);
        text_map_add(&uniting->guids, in_podcast(uniting->arena, mine, mine->guid), mine);
        text_map_add(&uniting->urls, in_podcast(uniting->arena, mine, mine->audio_url), mine);
    }
}

/* The only one of ours under a key of a map; some feeds give every item the same guid, or the same address. */
static struct episode *only(const struct text_map *map, const char *key) {
    const struct text_map_link *link = key ? text_map_find(map, key) : NULL;
    return link && !link->next ? link->value : NULL;
}

static bool is_claimed(const struct uniting *uniting, const struct episode *mine) {
    const struct text_map_link *link =
        text_map_find(&uniting->claimed, in_podcast(uniting->arena, mine, mine->file_key));
    while (link && link->value != mine)
        link = link->next;
    return link != NULL;
}

/* The first under the same key that is no row of theirs yet: a manifest mended by hand may have a key twice. */
static struct episode *find_key(const struct uniting *uniting, const struct episode *row) {
    const struct text_map_link *link = text_map_find(&uniting->keys, in_podcast(uniting->arena, row, row->file_key));
    for (int i = 0; link && i < MOST_SAME_KEYS; i++, link = link->next) {
        if (!is_claimed(uniting, link->value))
            return link->value;
    }
    return NULL;
}

static struct episode *find_mine(const struct uniting *uniting, const struct episode *row) {
    struct arena *arena = uniting->arena;
    struct episode *mine = find_key(uniting, row);
    if (!mine)
        mine = only(&uniting->guids, in_podcast(arena, row, row->guid));
    if (!mine) {
        mine = only(&uniting->urls, in_podcast(arena, row, row->audio_url));
        bool both_named = mine && mine->guid && row->guid;
        if (mine && (both_named || mine->published_ms / DAY_MS != row->published_ms / DAY_MS))
            mine = NULL;
    }
    return mine && !is_claimed(uniting, mine) ? mine : NULL;
}

static bool takes_mine(const struct uniting *uniting, const struct episode *mine, const struct episode *row) {
    if (strcmp(mine->file_key, row->file_key) == 0)
        return uniting->ours->updated_ms > uniting->theirs->updated_ms;
    return uniting->keep && uniting->keep(uniting->to, mine, row);
}

static void append(struct uniting *uniting, const json_t *row, int64_t number) {
    json_t *copy = json_copy((json_t *)(uintptr_t)row);
    json_object_set_new(copy, "sequentialId", json_integer(number));
    json_array_append_new(uniting->rows, copy);
}

static void take_theirs(struct uniting *uniting) {
    for (size_t i = 0; i < uniting->theirs->count; i++) {
        const struct episode *row = uniting->theirs->episodes[i];
        struct episode *mine = find_mine(uniting, row);
        if (mine)
            text_map_add(&uniting->claimed, in_podcast(uniting->arena, mine, mine->file_key), mine);
        append(uniting, mine && takes_mine(uniting, mine, row) ? mine->row : row->row, row->id);
        if (row->id > 0)
            uniting->given[row->id] = true;
        uniting->report->both += mine != NULL;
        uniting->report->only_theirs += !mine;
    }
}

static void take_ours(struct uniting *uniting) {
    for (size_t i = 0; i < uniting->ours->count; i++) {
        const struct episode *mine = uniting->ours->episodes[i];
        if (is_claimed(uniting, mine))
            continue;
        bool taken = mine->id > 0 && mine->id <= uniting->theirs->highest_id && uniting->given[mine->id];
        append(uniting, mine->row, taken ? 0 : mine->id);
        uniting->report->only_ours++;
        uniting->report->renumbered += taken;
    }
}

/* Fields that neither program knows stay, those of the later manifest. */
static struct manifest *finish(struct uniting *uniting, struct error *err) {
    const struct manifest *ours = uniting->ours, *theirs = uniting->theirs;
    int64_t highest = ours->highest_id > theirs->highest_id ? ours->highest_id : theirs->highest_id;
    JSON_OWNED json_t *root = json_copy(ours->updated_ms > theirs->updated_ms ? ours->root : theirs->root);
    json_object_set(root, "episodes", uniting->rows);
    TEXT_OWNED char *text = json_text(root, 0);
    struct manifest *united = manifest_parse(text, strlen(text), err);
    if (!united)
        return NULL;
    if (highest > united->highest_id) {
        united->highest_id = highest;
        json_object_set_new(united->root, HIGHEST_KEY, json_integer(highest));
    }
    manifest_number_new(united);
    const json_t *rows = json_object_get(united->root, "episodes");
    uniting->report->is_ours = json_equal(rows, json_object_get(ours->root, "episodes"));
    uniting->report->is_theirs = json_equal(rows, json_object_get(theirs->root, "episodes"));
    united->changed = !uniting->report->is_ours;
    return united;
}

struct manifest *manifest_unite(const struct manifest *ours, const struct manifest *theirs, manifest_keep *keep,
                                void *to, struct manifest_union *report, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct manifest_union counted = {0};
    struct uniting uniting = {.arena = arena, .ours = ours, .theirs = theirs, .keep = keep, .to = to};
    uniting.report = &counted;
    if (theirs->highest_id > LIMIT_MANIFEST_NUMBER) {
        error_set(err, ERROR_LIMIT, "episode number %lld; at most %d", (long long)theirs->highest_id,
                  LIMIT_MANIFEST_NUMBER);
        return NULL;
    }
    uniting.given = arena_alloc_array(arena, (size_t)theirs->highest_id + 1, sizeof(*uniting.given));
    uniting.rows = json_array();
    learn_ours(&uniting);
    take_theirs(&uniting);
    take_ours(&uniting);
    struct manifest *united = finish(&uniting, err);
    json_decref(uniting.rows);
    if (united)
        *report = counted;
    return united;
}
