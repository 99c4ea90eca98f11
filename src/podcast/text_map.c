#include "podcast/text_map.h"

#include <string.h>

#include "base/hash.h"

void text_map_open(struct text_map *map, struct arena *arena) {
    *map = (struct text_map){.arena = arena, .size = 64};
    map->slots = arena_alloc_array(arena, map->size, sizeof(struct text_map_link *));
}

static struct text_map_link **slot_of(const struct text_map *map, const char *key) {
    size_t at = (size_t)hash_fnv1a(key, strlen(key)) & (map->size - 1);
    while (map->slots[at] && strcmp(map->slots[at]->key, key) != 0)
        at = (at + 1) & (map->size - 1);
    return &map->slots[at];
}

static void grow(struct text_map *map) {
    struct text_map_link **old = map->slots;
    size_t old_size = map->size;
    map->size *= 2;
    map->slots = arena_alloc_array(map->arena, map->size, sizeof(struct text_map_link *));
    for (size_t i = 0; i < old_size; i++)
        if (old[i])
            *slot_of(map, old[i]->key) = old[i];
}

void text_map_add(struct text_map *map, const char *key, void *value) {
    if (!key)
        return;
    if (map->used * 2 >= map->size)
        grow(map);
    struct text_map_link *link = arena_alloc(map->arena, sizeof(*link));
    *link = (struct text_map_link){.key = key, .value = value};
    struct text_map_link **slot = slot_of(map, key);
    map->used += !*slot;
    if (*slot)
        (*slot)->last->next = link;
    else
        *slot = link;
    (*slot)->last = link;
}

const struct text_map_link *text_map_find(const struct text_map *map, const char *key) {
    return key ? *slot_of(map, key) : NULL;
}

void *text_map_get(const struct text_map *map, const char *key) {
    const struct text_map_link *link = text_map_find(map, key);
    return link ? link->value : NULL;
}
