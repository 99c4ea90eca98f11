#include "flow/source_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/source_map_inside.h"

#define SHOWN_BYTES 500 /* Jackson shows so much of a text that it names */

void source_map_close(struct source_map *map) {
    if (map)
        free(map->nodes);
}

/* ---- positions ---- */

static size_t characters(const char *from, const char *to) {
    size_t count = 0;
    for (; from < to; from++)
        count += ((unsigned char)*from & 0xC0) != 0x80;
    return count;
}

struct source_position source_map_at(const struct source_map *map, size_t offset) {
    if (offset > map->length)
        offset = map->length;
    size_t low = 0, high = map->line_count; /* lines[low] <= offset < lines[high] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (map->lines[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return (struct source_position){low + 1, 1 + characters(map->text + map->lines[low], map->text + offset)};
}

struct source_position source_position_of(const char *text, size_t offset) {
    struct source_position position = {1, 1};
    size_t begin = 0;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            position.line++;
            begin = i + 1;
        }
    }
    position.column = 1 + characters(text + begin, text + offset);
    return position;
}

static bool is_at(const struct source_node *node, const struct place *place) {
    return place->key ? node->key && strcmp(node->key, place->key) == 0 : !node->key && node->index == place->index;
}

/* Faults come in the order of the text, so the search begins where the last one ended: many of them cost no more than
 * one walk over the children. */
static uint32_t child_of(struct source_map *map, uint32_t node, const struct place *place) {
    struct source_node *outer = &map->nodes[node];
    uint32_t from = outer->last_found == SOURCE_NONE ? outer->first : outer->last_found;
    for (uint32_t child = from; child != SOURCE_NONE; child = map->nodes[child].next) {
        if (is_at(&map->nodes[child], place))
            return outer->last_found = child;
    }
    for (uint32_t child = outer->first; child != from; child = map->nodes[child].next) {
        if (is_at(&map->nodes[child], place))
            return outer->last_found = child;
    }
    return SOURCE_NONE;
}

/* The node of a place, or of the nearest one around it. *exact: it is the very place. */
static uint32_t node_of(struct source_map *map, const struct place *place, bool *exact) {
    if (!place->up) {
        *exact = true;
        return 0;
    }
    uint32_t outer = node_of(map, place->up, exact);
    if (!*exact)
        return outer;
    uint32_t found = child_of(map, outer, place);
    *exact = found != SOURCE_NONE;
    return *exact ? found : outer;
}

struct source_position source_map_find(struct source_map *map, const struct place *place, bool key) {
    bool exact = false;
    const struct source_node *node = &map->nodes[node_of(map, place, &exact)];
    return source_map_at(map, node->key && (key || node->container) ? node->key_offset : node->offset);
}

const struct source_duplicate *source_map_duplicates(const struct source_map *map, size_t *count) {
    *count = map->duplicate_count;
    return map->duplicates;
}

const char *source_name(struct arena *arena, const char *text, size_t length, struct source_position position) {
    size_t shown = length > SHOWN_BYTES ? utf8_cut(text, SHOWN_BYTES) : length;
    const char *rest = shown < length ? arena_format(arena, "[truncated %zu chars]", length - shown) : "";
    return arena_format(arena, "[Source: (String)\"%s\"%s; line: %zu, column: %zu]",
                        arena_text_part(arena, text, shown), rest, position.line, position.column);
}

/* ---- keys given twice ---- */

static const struct place *place_of(struct arena *arena, const struct source_map *map, uint32_t node) {
    struct place *place = arena_alloc(arena, sizeof(*place));
    const struct source_node *found = &map->nodes[node];
    if (found->parent == SOURCE_NONE)
        return place;
    place->up = place_of(arena, map, found->parent);
    place->key = found->key;
    place->index = found->key ? 0 : found->index;
    return place;
}

static int compare_keys(const void *a, const void *b) {
    const struct source_node *one = *(const struct source_node *const *)a, *two = *(const struct source_node *const *)b;
    size_t shorter = one->key_length < two->key_length ? one->key_length : two->key_length;
    int order = memcmp(one->key, two->key, shorter);
    if (order)
        return order;
    if (one->key_length != two->key_length)
        return one->key_length < two->key_length ? -1 : 1;
    return one < two ? -1 : one > two; /* in the order of the text */
}

static bool same_key(const struct source_node *a, const struct source_node *b) {
    return a->key_length == b->key_length && memcmp(a->key, b->key, a->key_length) == 0;
}

static void note(struct source_map *map, struct arena *arena, uint32_t node) {
    if (map->duplicate_count >= LIMIT_FLOW_DIAGNOSTICS)
        return;
    map->duplicates =
        arena_grow(arena, map->duplicates, map->duplicate_count, &map->duplicate_capacity, sizeof(*map->duplicates));
    map->duplicates[map->duplicate_count++] =
        (struct source_duplicate){place_of(arena, map, node), map->nodes[node].key_offset};
}

/* Sorted, not hashed: a text made for collisions costs no more than another. */
void source_map_note_duplicates(struct source_map *map, struct arena *arena) {
    const struct source_node **keys = memory_alloc_array(map->count, sizeof(struct source_node *));
    for (uint32_t i = 0; i < map->count; i++) {
        size_t count = 0;
        for (uint32_t child = map->nodes[i].first; child != SOURCE_NONE; child = map->nodes[child].next) {
            if (map->nodes[child].key)
                keys[count++] = &map->nodes[child];
        }
        if (count > 1)
            qsort(keys, count, sizeof(struct source_node *), compare_keys);
        for (size_t k = 1; k < count; k++) {
            if (same_key(keys[k - 1], keys[k]))
                note(map, arena, (uint32_t)(keys[k] - map->nodes));
        }
    }
    free(keys);
}
