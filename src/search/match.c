/* Matching goes through the episodes in the order of their numbers, and in each through the query's tree. A node's
 * answer is a set of bits, one a passage, so AND, OR and exclusion are a few machine words; an AND asks its rarest
 * child first and stops when nothing is left, and lists that were not asked skip ahead later. */
#include "search/match.h"

#include "base/limits.h"

enum { MANY_LISTS = 8 };

static uint16_t times_add(uint32_t a, uint32_t b) {
    return (uint16_t)(a + b > UINT16_MAX ? UINT16_MAX : a + b);
}

/* ---- opening ---- */

static struct posting_list list_of(const uint8_t *data, const struct term_place *place, bool positions) {
    struct posting_list list = {.a = data, .a_end = data + place->a_bytes};
    if (positions) {
        list.b = data + place->a_bytes;
        list.b_end = list.b + place->b_bytes;
    }
    return list;
}

static bool word_open(struct match *match, struct match_element *element, const struct query_term *term, bool positions,
                      struct error *err) {
    bool found;
    struct term_place place;
    const uint8_t *data;
    if (!reader_term(match->reader, term->text, term->bytes, &found, &place, err))
        return false;
    if (!found)
        return true;
    if (place.a_bytes > LIMIT_SEARCH_LIST_BYTES || place.b_bytes > LIMIT_SEARCH_LIST_BYTES)
        return reader_damaged(match->reader, err);
    if (!reader_stream(match->arena, match->reader, place.start, place.a_bytes + (positions ? place.b_bytes : 0), &data,
                       err))
        return false;
    element->lists = arena_alloc(match->arena, sizeof(*element->lists));
    element->lists[0] = list_of(data, &place, positions);
    element->list_count = 1;
    element->passages = place.passages;
    return true;
}

/* Adds one entry's passages to the times of its episode. */
static bool times_add_entry(const struct posting *posting, uint16_t *times, uint32_t passages) {
    struct posting_walk walk;
    posting_walk_start(&walk, posting);
    while (posting_walk_next(&walk)) {
        if (walk.passage >= passages)
            return false;
        times[walk.passage] = times_add(times[walk.passage], walk.times);
    }
    return !walk.damaged;
}

/* Adds up many lists at once, so that an episode costs nothing for each of them. */
static void times_fill(struct match *match, struct match_element *element) {
    const struct index_reader *reader = match->reader;
    element->times = arena_alloc_array(match->arena, reader->passages + 4, sizeof(*element->times));
    for (size_t i = 0; i < element->list_count && !match->damaged; i++) {
        struct posting_list list = element->lists[i];
        while (posting_next(&list) && !match->damaged) {
            const struct index_entry *entry = reader_entry(reader, list.at.number);
            match->damaged |=
                !entry ||
                !times_add_entry(&list.at, element->times + reader->first[entry - reader->entries], entry->passages);
        }
        match->damaged |= list.damaged;
    }
}

static bool prefix_open(struct match *match, struct match_element *element, const struct query_term *term,
                        bool positions, struct error *err) {
    struct term_place *places;
    size_t count;
    const uint8_t *data;
    if (!reader_terms(match->arena, match->reader, term->text, term->bytes, &places, &count, err))
        return false;
    if (count == 0)
        return true;
    uint64_t start = places[0].start;
    uint64_t at = start;
    for (size_t i = 0; i < count; i++) {
        if (places[i].start != at || places[i].a_bytes > LIMIT_SEARCH_LIST_BYTES ||
            places[i].b_bytes > LIMIT_SEARCH_LIST_BYTES)
            return reader_damaged(match->reader, err);
        at += places[i].a_bytes + places[i].b_bytes;
        element->passages += places[i].passages;
    }
    if (!reader_stream(match->arena, match->reader, start, at - start, &data, err))
        return false;
    element->lists = arena_alloc_array(match->arena, count, sizeof(*element->lists));
    element->list_count = count;
    for (size_t i = 0; i < count; i++)
        element->lists[i] = list_of(data + (places[i].start - start), &places[i], positions);
    if (count > MANY_LISTS)
        times_fill(match, element);
    return true;
}

static bool leaf_open(struct match *match, struct match_node *node, struct error *err) {
    const struct query_node *query = node->query;
    bool positions = query->term_count > 1;
    node->elements = arena_alloc_array(match->arena, query->term_count, sizeof(*node->elements));
    node->times = arena_alloc_array(match->arena, match->reader->passages_most + 1U, sizeof(*node->times));
    node->estimate = UINT64_MAX;
    for (size_t i = 0; i < query->term_count; i++) {
        const struct query_term *term = &query->terms[i];
        struct match_element *element = &node->elements[i];
        if (!(term->prefix ? prefix_open(match, element, term, positions, err)
                           : word_open(match, element, term, positions, err)))
            return false;
        if (element->passages < node->estimate)
            node->estimate = element->passages;
    }
    match->leaves[query->number] = node;
    return true;
}

/* Rarest first is what makes an AND cheap. */
static void children_order(struct match *match, struct match_node *node) {
    node->order = arena_alloc_array(match->arena, node->query->wanted, sizeof(*node->order));
    for (size_t i = 0; i < node->query->wanted; i++) {
        size_t at = i;
        for (; at > 0 && node->children[node->order[at - 1]].estimate > node->children[i].estimate; at--)
            node->order[at] = node->order[at - 1];
        node->order[at] = i;
    }
}

static bool node_open(struct match *match, struct match_node *node, const struct query_node *query, struct error *err) {
    node->query = query;
    node->bits = arena_alloc_array(match->arena, match->words + 1, sizeof(*node->bits));
    if (query->kind == QUERY_LEAF)
        return leaf_open(match, node, err);
    node->children = arena_alloc_array(match->arena, query->child_count, sizeof(*node->children));
    node->estimate = query->kind == QUERY_AND ? UINT64_MAX : 0;
    for (size_t i = 0; i < query->child_count; i++) {
        struct match_node *child = &node->children[i];
        if (!node_open(match, child, query->children[i], err))
            return false;
        if (query->kind == QUERY_OR)
            node->estimate += child->estimate;
        else if (i < query->wanted && child->estimate < node->estimate)
            node->estimate = child->estimate;
    }
    if (query->kind == QUERY_AND)
        children_order(match, node);
    return true;
}

bool match_open(struct arena *arena, struct index_reader *reader, const struct query *query, struct match *match,
                struct error *err) {
    *match = (struct match){.arena = arena,
                            .reader = reader,
                            .words = ((size_t)reader->passages_most + 63) / 64,
                            .leaf_count = query->leaf_count};
    if (!query->root)
        return true;
    match->scratch = arena_alloc_array(arena, match->words + 1, sizeof(*match->scratch));
    match->leaves = arena_alloc_array(arena, query->leaf_count, sizeof(struct match_node *));
    match->root = arena_alloc(arena, sizeof(*match->root));
    if (!node_open(match, match->root, query->root, err))
        return false;
    return !match->damaged || reader_damaged(reader, err);
}

/* ---- one episode ---- */

struct episode {
    size_t slot;
    uint32_t number;
    uint32_t passages;
    size_t words;
};

static bool bits_any(const uint64_t *bits, size_t words) {
    for (size_t i = 0; i < words; i++) {
        if (bits[i])
            return true;
    }
    return false;
}

static bool list_mark(struct match *match, struct posting_list *list, const struct episode *episode, uint64_t *bits,
                      uint16_t *times) {
    if (!posting_seek(list, episode->number)) {
        match->damaged |= list->damaged;
        return false;
    }
    struct posting_walk walk;
    posting_walk_start(&walk, &list->at);
    while (posting_walk_next(&walk)) {
        if (walk.passage >= episode->passages) {
            walk.damaged = true;
            break;
        }
        times[walk.passage] = times_add(bit_get(bits, walk.passage) ? times[walk.passage] : 0, walk.times);
        bit_set(bits, walk.passage);
    }
    match->damaged |= walk.damaged;
    return true;
}

/* Sets the bits (zero before) and times of the passages that have the element. */
static bool element_mark(struct match *match, struct match_element *element, const struct episode *episode,
                         uint64_t *bits, uint16_t *times) {
    bool any = false;
    if (element->times) {
        const uint16_t *all = element->times + match->reader->first[episode->slot];
        for (uint32_t i = 0; i < episode->passages; i += 4) {
            uint64_t four;
            memcpy(&four, all + i, sizeof(four)); /* mostly zero; there is room for four behind the last */
            for (uint32_t j = i; four && j < i + 4 && j < episode->passages; j++) {
                if (all[j]) {
                    times[j] = all[j];
                    bit_set(bits, j);
                    any = true;
                }
            }
        }
        return any;
    }
    for (size_t i = 0; i < element->list_count; i++)
        any |= list_mark(match, &element->lists[i], episode, bits, times);
    return any;
}

static int key_compare(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* Gathers the element's positions in the passages that `bits` names. */
static void keys_gather(struct match *match, struct match_element *element, const struct episode *episode,
                        const uint64_t *bits) {
    element->key_count = 0;
    for (size_t i = 0; i < element->list_count; i++) {
        struct posting_list *list = &element->lists[i];
        struct posting_walk walk;
        if (!posting_seek(list, episode->number))
            continue;
        posting_walk_start(&walk, &list->at);
        while (posting_walk_next(&walk)) {
            if (walk.passage >= episode->passages || !bit_get(bits, walk.passage))
                continue;
            for (uint32_t t = 0; t < walk.times; t++) {
                element->keys = arena_grow(match->arena, element->keys, element->key_count, &element->key_capacity,
                                           sizeof(*element->keys));
                element->keys[element->key_count++] = walk.passage << 16 | posting_position(&walk, t);
            }
        }
        match->damaged |= walk.damaged;
    }
    if (element->list_count > 1 && element->key_count > 1)
        qsort(element->keys, element->key_count, sizeof(*element->keys), key_compare);
}

/* Keeps the keys of the first element that are followed, i places on, by one of element i, for each i. */
static size_t keys_follow(struct match_node *node, size_t term_count) {
    struct match_element *first = &node->elements[0];
    size_t kept = first->key_count;
    for (uint32_t i = 1; i < term_count && kept; i++) {
        const struct match_element *element = &node->elements[i];
        size_t other = 0;
        size_t count = 0;
        for (size_t k = 0; k < kept; k++) {
            uint32_t wanted = first->keys[k] + i;
            while (other < element->key_count && element->keys[other] < wanted)
                other++;
            if (other < element->key_count && element->keys[other] == wanted)
                first->keys[count++] = first->keys[k];
        }
        kept = count;
    }
    return kept;
}

static bool phrase_mark(struct match *match, struct match_node *node, const struct episode *episode) {
    size_t terms = node->query->term_count;
    uint64_t *bits = node->bits;
    uint64_t *scratch = match->scratch;
    for (size_t i = 0; i < terms; i++) {
        uint64_t *into = i ? scratch : bits;
        memset(into, 0, episode->words * sizeof(*into));
        if (!element_mark(match, &node->elements[i], episode, into, node->times))
            return false;
        if (i) {
            for (size_t w = 0; w < episode->words; w++)
                bits[w] &= scratch[w];
            if (!bits_any(bits, episode->words))
                return false;
        }
    }
    for (size_t i = 0; i < terms; i++)
        keys_gather(match, &node->elements[i], episode, bits);
    size_t kept = keys_follow(node, terms);
    const uint32_t *keys = node->elements[0].keys;
    memset(bits, 0, episode->words * sizeof(*bits));
    for (size_t k = 0; k < kept; k++) {
        uint32_t passage = keys[k] >> 16;
        if (k && keys[k] == keys[k - 1])
            continue; /* two terms of one prefix at one position */
        node->times[passage] = times_add(bit_get(bits, passage) ? node->times[passage] : 0, 1);
        bit_set(bits, passage);
    }
    return kept > 0;
}

static bool node_mark(struct match *match, struct match_node *node, const struct episode *episode);

static bool and_mark(struct match *match, struct match_node *node, const struct episode *episode) {
    const struct query_node *query = node->query;
    for (size_t i = 0; i < query->wanted; i++) {
        struct match_node *child = &node->children[node->order[i]];
        if (!node_mark(match, child, episode))
            return false;
        for (size_t w = 0; w < episode->words; w++)
            node->bits[w] = i ? node->bits[w] & child->bits[w] : child->bits[w];
        if (i && !bits_any(node->bits, episode->words))
            return false;
    }
    for (size_t i = query->wanted; i < query->child_count; i++) {
        struct match_node *child = &node->children[i];
        if (!node_mark(match, child, episode))
            continue;
        for (size_t w = 0; w < episode->words; w++)
            node->bits[w] &= ~child->bits[w];
    }
    return bits_any(node->bits, episode->words);
}

static bool or_mark(struct match *match, struct match_node *node, const struct episode *episode) {
    bool any = false;
    for (size_t i = 0; i < node->query->child_count; i++) {
        struct match_node *child = &node->children[i];
        if (!node_mark(match, child, episode))
            continue;
        any = true;
        for (size_t w = 0; w < episode->words; w++)
            node->bits[w] |= child->bits[w];
    }
    return any;
}

/* Where this returns false, all bits of the node are zero. */
static bool node_mark(struct match *match, struct match_node *node, const struct episode *episode) {
    memset(node->bits, 0, episode->words * sizeof(*node->bits));
    bool any;
    if (node->query->kind == QUERY_AND)
        any = and_mark(match, node, episode);
    else if (node->query->kind == QUERY_OR)
        any = or_mark(match, node, episode);
    else if (node->query->term_count > 1)
        any = phrase_mark(match, node, episode);
    else
        any = element_mark(match, &node->elements[0], episode, node->bits, node->times);
    if (!any)
        memset(node->bits, 0, episode->words * sizeof(*node->bits));
    return any;
}

const uint64_t *match_episode(struct match *match, size_t slot) {
    const struct index_entry *entry = &match->reader->entries[slot];
    struct episode episode = {.slot = slot,
                              .number = entry->episode.number,
                              .passages = entry->passages,
                              .words = ((size_t)entry->passages + 63) / 64};
    if (!match->root || match->root->estimate == 0 || entry->passages == 0)
        return NULL;
    return node_mark(match, match->root, &episode) ? match->root->bits : NULL;
}

double match_score(const struct match_node *node, uint32_t passage, double norm) {
    const struct query_node *query = node->query;
    if (query->kind == QUERY_LEAF) {
        double times = node->times[passage];
        return node->weight * times * (BM25_K1 + 1) / (times + norm);
    }
    double sum = 0;
    size_t count = query->kind == QUERY_AND ? query->wanted : query->child_count;
    for (size_t i = 0; i < count; i++) {
        if (query->kind == QUERY_AND || bit_get(node->children[i].bits, passage))
            sum += match_score(&node->children[i], passage, norm);
    }
    return sum;
}
