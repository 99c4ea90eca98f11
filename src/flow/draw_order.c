/* The order within ranks: few crossings. Sweeps down and up by medians, then exchanges of neighbours; the best order
 * seen is kept. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "flow/draw_inside.h"

/* Above this many vertices the exchanges, which look at each pair of neighbours, are left out. */
enum { SWEEPS = 24, SWEEPS_LARGE = 6, LARGE = 1500, EXCHANGES_MOST = 8 };

struct pair {
    size_t upper, lower;
};

static int compare_pairs(const void *a, const void *b) {
    const struct pair *one = a, *other = b;
    if (one->upper != other->upper)
        return one->upper < other->upper ? -1 : 1;
    return one->lower < other->lower ? -1 : one->lower > other->lower;
}

/* Inversions, counted with a tree of sums (Fenwick, "A new data structure for cumulative frequency tables", 1994). */
static size_t inversions(const struct pair *pairs, size_t count, size_t *tree, size_t size) {
    size_t crossings = 0;
    memset(tree, 0, (size + 1) * sizeof(*tree));
    for (size_t i = 0; i < count; i++) {
        size_t not_right = 0;
        for (size_t at = pairs[i].lower + 1; at > 0; at -= at & (~at + 1))
            not_right += tree[at];
        crossings += i - not_right;
        for (size_t at = pairs[i].lower + 1; at <= size; at += at & (~at + 1))
            tree[at]++;
    }
    return crossings;
}

size_t level_crossings(const struct level *level) {
    size_t crossings = 0, most = 0, widest = 0;
    for (size_t i = 0; i < level->rank_count; i++) {
        size_t edges = 0;
        for (size_t j = 0; j < level->ranks[i].count; j++)
            edges += level->vertices[level->ranks[i].vertices[j]].down_count;
        most = edges > most ? edges : most;
        widest = level->ranks[i].count > widest ? level->ranks[i].count : widest;
    }
    struct pair *pairs = memory_alloc_array(most + 1, sizeof(*pairs));
    size_t *tree = memory_alloc_array(widest + 2, sizeof(*tree));
    for (size_t i = 0; i + 1 < level->rank_count; i++) {
        size_t count = 0;
        for (size_t j = 0; j < level->ranks[i].count; j++) {
            const struct vertex *vertex = &level->vertices[level->ranks[i].vertices[j]];
            for (size_t k = 0; k < vertex->down_count; k++)
                pairs[count++] = (struct pair){vertex->place, level->vertices[vertex->down[k]].place};
        }
        qsort(pairs, count, sizeof(*pairs), compare_pairs);
        crossings += inversions(pairs, count, tree, level->ranks[i + 1].count);
    }
    free(pairs);
    free(tree);
    return crossings;
}

struct weighed {
    size_t vertex, place;
    double weight;
};

static int compare_weights(const void *a, const void *b) {
    const struct weighed *one = a, *other = b;
    if (one->weight < other->weight || one->weight > other->weight)
        return one->weight < other->weight ? -1 : 1;
    return one->place < other->place ? -1 : one->place > other->place;
}

static int compare_sizes(const void *a, const void *b) {
    size_t one = *(const size_t *)a, other = *(const size_t *)b;
    return one < other ? -1 : one > other;
}

/* The median place of the neighbours, leaning to where they stand closer (Gansner et al., section 3); `otherwise`
 * without any. */
static double median(const struct level *level, const size_t *neighbours, size_t count, size_t *places,
                     double otherwise) {
    if (count == 0)
        return otherwise;
    for (size_t i = 0; i < count; i++)
        places[i] = level->vertices[neighbours[i]].place;
    qsort(places, count, sizeof(*places), compare_sizes);
    size_t middle = count / 2;
    if (count % 2 == 1)
        return (double)places[middle];
    if (count == 2)
        return (double)(places[0] + places[1]) / 2;
    double left = (double)(places[middle - 1] - places[0]), right = (double)(places[count - 1] - places[middle]);
    return left + right == 0 ? (double)places[middle]
                             : ((double)places[middle - 1] * right + (double)places[middle] * left) / (left + right);
}

static void sort_rank(struct level *level, size_t number, bool by_upper, struct weighed *room, size_t *places) {
    struct rank *rank = &level->ranks[number];
    for (size_t i = 0; i < rank->count; i++) {
        const struct vertex *vertex = &level->vertices[rank->vertices[i]];
        room[i] = (struct weighed){
            .vertex = rank->vertices[i],
            .place = i,
            .weight = by_upper ? median(level, vertex->up, vertex->up_count, places, (double)i)
                               : median(level, vertex->down, vertex->down_count, places, (double)i),
        };
    }
    qsort(room, rank->count, sizeof(*room), compare_weights);
    for (size_t i = 0; i < rank->count; i++) {
        rank->vertices[i] = room[i].vertex;
        level->vertices[room[i].vertex].place = i;
    }
}

/* Crossings between the edges of two neighbours when the first stands on the left. */
static long crossings_of(const struct level *level, const size_t *left, size_t left_count, const size_t *right,
                         size_t right_count) {
    long crossings = 0;
    for (size_t i = 0; i < left_count; i++) {
        for (size_t j = 0; j < right_count; j++)
            crossings += level->vertices[left[i]].place > level->vertices[right[j]].place;
    }
    return crossings;
}

static bool exchange_rank(struct level *level, struct rank *rank) {
    bool better = false;
    for (size_t i = 0; i + 1 < rank->count; i++) {
        struct vertex *one = &level->vertices[rank->vertices[i]], *other = &level->vertices[rank->vertices[i + 1]];
        long now = crossings_of(level, one->up, one->up_count, other->up, other->up_count) +
                   crossings_of(level, one->down, one->down_count, other->down, other->down_count);
        long then = crossings_of(level, other->up, other->up_count, one->up, one->up_count) +
                    crossings_of(level, other->down, other->down_count, one->down, one->down_count);
        if (then >= now)
            continue;
        size_t vertex = rank->vertices[i];
        rank->vertices[i] = rank->vertices[i + 1];
        rank->vertices[i + 1] = vertex;
        one->place = i + 1;
        other->place = i;
        better = true;
    }
    return better;
}

static void keep(const struct level *level, size_t *best) {
    for (size_t i = 0; i < level->vertex_count; i++)
        best[i] = level->vertices[i].place;
}

static void restore(struct level *level, const size_t *best) {
    for (size_t i = 0; i < level->vertex_count; i++) {
        struct vertex *vertex = &level->vertices[i];
        vertex->place = best[i];
        level->ranks[vertex->rank].vertices[best[i]] = i;
    }
}

void level_order(struct level *level) {
    bool large = level->vertex_count > LARGE;
    size_t *best = arena_alloc_array(level->arena, level->vertex_count + 1, sizeof(size_t));
    size_t *places = arena_alloc_array(level->arena, level->vertex_count + level->edge_count + 1, sizeof(size_t));
    struct weighed *room = arena_alloc_array(level->arena, level->vertex_count + 1, sizeof(*room));
    size_t fewest = level_crossings(level);
    keep(level, best);
    for (int sweep = 0; sweep < (large ? SWEEPS_LARGE : SWEEPS) && fewest > 0; sweep++) {
        bool down = sweep % 2 == 0;
        for (size_t i = 0; i < level->rank_count; i++)
            sort_rank(level, down ? i : level->rank_count - 1 - i, down, room, places);
        bool better = !large;
        for (int pass = 0; better && pass < EXCHANGES_MOST; pass++) {
            better = false;
            for (size_t i = 0; i < level->rank_count; i++)
                better |= exchange_rank(level, &level->ranks[i]);
        }
        size_t crossings = level_crossings(level);
        if (crossings < fewest) {
            fewest = crossings;
            keep(level, best);
        }
    }
    restore(level, best);
}
