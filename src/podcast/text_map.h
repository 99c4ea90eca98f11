/* A map from texts to pointers, in an arena: what was put first under a text stays first in its chain. Keys are
 * borrowed. */
#ifndef TIDEMILL_PODCAST_TEXT_MAP_H
#define TIDEMILL_PODCAST_TEXT_MAP_H

#include <stddef.h>

#include "base/arena.h"

struct text_map_link {
    const char *key;
    void *value;
    struct text_map_link *next; /* the next of the same key */
    struct text_map_link *last; /* of the first link: the last of its chain */
};

struct text_map {
    struct arena *arena;
    struct text_map_link **slots;
    size_t size, used;
};

void text_map_open(struct text_map *map, struct arena *arena);
/* Puts one more value under a key; NULL keys are left out. */
void text_map_add(struct text_map *map, const char *key, void *value);
/* The first value under a key, with the others behind it; NULL if none. A NULL key has none. */
const struct text_map_link *text_map_find(const struct text_map *map, const char *key);
/* Its value alone. */
void *text_map_get(const struct text_map *map, const char *key);

#endif
