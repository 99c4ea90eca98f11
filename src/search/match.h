/* Which passages of an index match a query, episode by episode, and how well. Inside this room only. */
#ifndef TIDEMILL_SEARCH_MATCH_H
#define TIDEMILL_SEARCH_MATCH_H

#include "search/file.h"
#include "search/query.h"

/* One place in a leaf: the lists of its term, or of all terms that begin so. */
struct match_element {
    struct posting_list *lists;
    size_t list_count;
    uint64_t passages; /* that have it; for several lists the sum, so an upper bound */
    uint16_t *times;   /* for many lists: of every passage of the index, how often; else NULL */
    uint32_t *keys;    /* of the episode in hand: passage << 16 | position, rising */
    size_t key_count;
    size_t key_capacity;
};

/* A node of the query for one index. `bits` says, for the episode in hand, which passages match. */
struct match_node {
    const struct query_node *query;
    struct match_node *children;    /* as in the query */
    size_t *order;                  /* of an AND's wanted children: the rarest first */
    struct match_element *elements; /* of a leaf */
    uint64_t estimate;              /* passages that can match, at most */
    double weight;                  /* of a leaf: its idf */
    uint64_t *bits;
    uint16_t *times; /* of a leaf, where its bit is set */
};

struct match {
    struct arena *arena;
    struct index_reader *reader;
    struct match_node *root;
    struct match_node **leaves; /* as in the query */
    size_t leaf_count;
    size_t words; /* 64-bit words of the longest episode's bits */
    uint64_t *scratch;
    bool damaged;
};

/* Reads the lists that the query needs. */
bool match_open(struct arena *arena, struct index_reader *reader, const struct query *query, struct match *match,
                struct error *err);

/* Finds the passages of the entry in slot `slot`; slots must rise. Returns their bits, NULL if there are none. */
const uint64_t *match_episode(struct match *match, size_t slot);

/* The BM25 sum of a passage of that entry that matches; `norm` is k1 * (1 - b + b * length / mean length) for its
 * length. */
double match_score(const struct match_node *node, uint32_t passage, double norm);

#define BM25_K1 1.2
#define BM25_B 0.75

static inline bool bit_get(const uint64_t *bits, uint32_t i) {
    return bits[i / 64] >> (i % 64) & 1;
}
static inline void bit_set(uint64_t *bits, uint32_t i) {
    bits[i / 64] |= (uint64_t)1 << (i % 64);
}

#endif
