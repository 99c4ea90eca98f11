/* What the walk writes and the look-up reads. */
#ifndef TIDEMILL_FLOW_SOURCE_MAP_INSIDE_H
#define TIDEMILL_FLOW_SOURCE_MAP_INSIDE_H

#include <stdint.h>

#include "flow/source_map.h"

#define SOURCE_NONE UINT32_MAX

/* A value of the text. Children follow each other by `next`. */
struct source_node {
    const char *key;      /* decoded; NULL: an item, or the root */
    uint32_t key_length;  /* decoded */
    uint32_t key_offset;  /* of its opening quote */
    uint32_t offset;      /* of the value */
    uint32_t index;       /* among its siblings */
    uint32_t parent;      /* SOURCE_NONE: the root */
    uint32_t first, next; /* child and sibling, SOURCE_NONE: none */
    uint32_t last_found;  /* the child that was asked for last: the next question is about one behind it */
    bool container;
};

struct source_map {
    const char *text;
    size_t length;
    struct source_node *nodes; /* not in the arena, which would keep every smaller array too */
    size_t count, capacity;
    struct source_duplicate *duplicates;
    size_t duplicate_count, duplicate_capacity;
    uint32_t *lines; /* where each line begins */
    size_t line_count, line_capacity;
};

/* Notes the keys that stand twice in one object. */
void source_map_note_duplicates(struct source_map *map, struct arena *arena);

#endif
