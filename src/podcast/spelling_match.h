/* Inside this room: finding misspellings in a text. */
#ifndef TIDEMILL_PODCAST_SPELLING_MATCH_H
#define TIDEMILL_PODCAST_SPELLING_MATCH_H

#include "podcast/spelling.h"

struct spelling_group {
    const char *corrected;
};

/* A node of the tree of folded misspellings: children in a chain. */
struct spelling_node {
    uint32_t code;
    uint32_t group;    /* 1 and up: a misspelling of that group ends here; 0: none */
    const char *right; /* a correct form ends here, in exactly these bytes */
    struct spelling_node *child, *next;
};

struct spelling {
    struct arena *arena;
    struct spelling_group *groups;
    size_t group_count, group_capacity;
    size_t rule_count;
    struct spelling_node root;
    char hash[65];
};

struct spelling_match {
    size_t start, end; /* bytes */
    uint32_t group;    /* 0: what stands there is right already */
};

/* The first place at or after *from where a misspelling, or a correct form, stands as whole words; *from is then its
 * end. False when there is none. */
bool spelling_find(const struct spelling *spelling, const char *text, size_t length, size_t *from,
                   struct spelling_match *match);

/* Adds counts by group (group_count + 1 of them, [0] is left out) to a result. */
void spelling_count_add(struct arena *arena, const struct spelling *spelling, const size_t *counts,
                        struct spelling_result *result);

#endif
