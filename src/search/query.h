/* A query as a tree (the language: search.h). Any bytes make a valid tree. Inside this room only. */
#ifndef TIDEMILL_SEARCH_QUERY_H
#define TIDEMILL_SEARCH_QUERY_H

#include "base/arena.h"
#include "search/tokens.h"

struct query_term {
    const char *text; /* zero-ended */
    uint32_t bytes;
    bool prefix;
    uint32_t start; /* what the user wrote: bytes [start, end) of the query */
    uint32_t end;
};

enum query_kind { QUERY_LEAF, QUERY_AND, QUERY_OR };

struct query_node {
    enum query_kind kind;
    bool excluded; /* somewhere below an exclusion: neither scored nor marked */
    /* QUERY_LEAF: one term, or several that stand side by side */
    struct query_term *terms;
    size_t term_count;
    size_t number; /* among the query's leaves */
    /* QUERY_AND, QUERY_OR; of an AND the children from `wanted` on must not match, and wanted > 0 */
    struct query_node **children;
    size_t child_count;
    size_t wanted;
};

struct query {
    const char *text; /* what was parsed, zero-ended */
    size_t bytes;
    struct query_node *root; /* NULL: nothing to look for */
    struct query_node **leaves;
    size_t leaf_count;
    bool cut; /* something was left out for its length */
};

struct query *query_parse(struct arena *arena, struct tokenizer *tokenizer, const char *text, size_t bytes);

#endif
