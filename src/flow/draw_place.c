/* Where vertices stand: across by Brandes and Koepf (four alignments, towards each corner, and the middle of what they
 * say), down by the heights of the ranks. */
#include <math.h>

#include "flow/draw_inside.h"

#define LEVEL_LEAN 0.06 /* of the way aside */
enum { LEVEL_LEAN_MOST = 30 };

/* One of the four alignments. Ranks are read in the direction asked for; places are mirrored for `right`. */
struct alignment {
    const struct level *level;
    bool from_below, right;
    size_t *root, *align;
    double *x;
};

static size_t place_of(const struct alignment *a, size_t vertex) {
    const struct vertex *v = &a->level->vertices[vertex];
    return a->right ? a->level->ranks[v->rank].count - 1 - v->place : v->place;
}

static size_t vertex_at(const struct alignment *a, const struct rank *rank, size_t place) {
    return rank->vertices[a->right ? rank->count - 1 - place : place];
}

static bool both_bends(const struct level *level, size_t one, size_t other) {
    return level->vertices[one].bend && level->vertices[other].bend;
}

/* Marks each step of an edge that crosses an inner step of a long edge (between two bends): long edges win and run
 * straight. `mark` has a place for each entry of each vertex's `up`; `first` says where a vertex's begin. */
static void mark_conflicts(const struct level *level, const size_t *first, char *mark) {
    for (size_t r = 1; r < level->rank_count; r++) {
        const struct rank *rank = &level->ranks[r];
        size_t least = 0, scanned = 0;
        for (size_t i = 0; i < rank->count; i++) {
            const struct vertex *vertex = &level->vertices[rank->vertices[i]];
            bool inner = vertex->bend && vertex->up_count == 1 && level->vertices[vertex->up[0]].bend;
            if (!inner && i + 1 < rank->count)
                continue;
            size_t most = inner ? level->vertices[vertex->up[0]].place : level->ranks[r - 1].count;
            for (; scanned <= i; scanned++) {
                size_t number = rank->vertices[scanned];
                const struct vertex *lower = &level->vertices[number];
                for (size_t k = 0; k < lower->up_count; k++) {
                    size_t place = level->vertices[lower->up[k]].place;
                    if ((place < least || place > most) && !both_bends(level, number, lower->up[k]))
                        mark[first[number] + k] = 1;
                }
            }
            least = most;
        }
    }
}

/* The neighbours above are sorted by place, so that a state with thousands of them costs little. */
static bool in_conflict(const struct level *level, const size_t *first, const char *mark, size_t one, size_t other) {
    size_t lower = level->vertices[one].rank > level->vertices[other].rank ? one : other;
    size_t upper = lower == one ? other : one, low = 0;
    const struct vertex *v = &level->vertices[lower];
    for (size_t high = v->up_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (level->vertices[v->up[middle]].place < level->vertices[upper].place)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t k = low; k < v->up_count && v->up[k] == upper; k++) {
        if (mark[first[lower] + k])
            return true;
    }
    return false;
}

/* The neighbours of each vertex in the order of their places. */
static void sort_neighbours(struct level *level) {
    size_t *used = arena_alloc_array(level->arena, 2 * level->vertex_count + 1, sizeof(size_t));
    for (int pass = 0; pass < 2; pass++) {
        for (size_t r = 0; r < level->rank_count; r++) {
            for (size_t i = 0; i < level->ranks[r].count; i++) {
                size_t number = level->ranks[r].vertices[i];
                const struct vertex *v = &level->vertices[number];
                for (size_t k = 0; k < (pass ? v->down_count : v->up_count); k++) {
                    size_t other = pass ? v->down[k] : v->up[k];
                    struct vertex *o = &level->vertices[other];
                    (pass ? o->up : o->down)[used[2 * other + (size_t)pass]++] = number;
                }
            }
        }
    }
}

/* Of a vertex's neighbours in the rank read before, the one at `at`. */
static size_t neighbour(const struct alignment *a, size_t vertex, size_t count, size_t at) {
    const struct vertex *v = &a->level->vertices[vertex];
    return (a->from_below ? v->down : v->up)[a->right ? count - 1 - at : at];
}

/* Puts each vertex under its middle neighbour where no other line is crossed by it: blocks that share one x. */
static void align_blocks(struct alignment *a, const size_t *first, const char *mark) {
    const struct level *level = a->level;
    for (size_t i = 0; i < level->vertex_count; i++)
        a->root[i] = a->align[i] = i;
    for (size_t r = 0; r < level->rank_count; r++) {
        const struct rank *rank = &level->ranks[a->from_below ? level->rank_count - 1 - r : r];
        size_t free_from = 0; /* places of the rank before that may still be taken */
        for (size_t i = 0; i < rank->count; i++) {
            size_t vertex = vertex_at(a, rank, i);
            const struct vertex *v = &level->vertices[vertex];
            size_t count = a->from_below ? v->down_count : v->up_count;
            size_t straight = a->from_below ? v->main_down : v->main_up;
            for (size_t step = straight == SIZE_MAX ? 1 : 0; count && step < 3; step++) {
                size_t other = step == 0 ? straight : neighbour(a, vertex, count, (count + step - 2) / 2);
                size_t place = place_of(a, other);
                if (a->align[vertex] != vertex || place < free_from || in_conflict(level, first, mark, vertex, other))
                    continue;
                a->align[other] = vertex;
                a->align[vertex] = a->root[vertex] = a->root[other];
                free_from = place + 1;
            }
        }
    }
}

static double apart(const struct level *level, size_t one, size_t other) {
    const struct vertex *a = &level->vertices[one], *b = &level->vertices[other];
    return a->w / 2 + b->w / 2 + (a->bend || b->bend ? LEVEL_APART_BEND : LEVEL_APART);
}

struct block_edge {
    size_t left, right; /* roots */
    double apart;
    size_t next_out, next_in; /* of the same left, of the same right; SIZE_MAX ends */
};

/* Places the blocks as far left as they go, then pulls each as far right as that leaves room for (the block graph
 * replaces the classes of the paper, whose shifts fail for wide vertices). */
static void compact(struct alignment *a) {
    const struct level *level = a->level;
    size_t count = level->vertex_count, edges = 0, done = 0, waiting = 0;
    struct block_edge *edge = arena_alloc_array(level->arena, count + 1, sizeof(*edge));
    size_t *out = arena_alloc_array(level->arena, count + 1, sizeof(size_t));
    size_t *in = arena_alloc_array(level->arena, count + 1, sizeof(size_t));
    size_t *open = arena_alloc_array(level->arena, count + 1, sizeof(size_t));
    size_t *queue = arena_alloc_array(level->arena, count + 1, sizeof(size_t));
    for (size_t i = 0; i < count; i++)
        out[i] = in[i] = SIZE_MAX;
    for (size_t r = 0; r < level->rank_count; r++) {
        const struct rank *rank = &level->ranks[r];
        for (size_t i = 0; i + 1 < rank->count; i++) {
            size_t one = vertex_at(a, rank, i), other = vertex_at(a, rank, i + 1);
            size_t left = a->root[one], right = a->root[other];
            edge[edges] = (struct block_edge){left, right, apart(level, one, other), out[left], in[right]};
            out[left] = in[right] = edges++;
            open[right]++;
        }
    }
    for (size_t i = 0; i < count; i++) {
        a->x[i] = 0;
        if (a->root[i] == i && open[i] == 0)
            queue[waiting++] = i;
    }
    while (done < waiting) {
        size_t block = queue[done++];
        for (size_t e = out[block]; e != SIZE_MAX; e = edge[e].next_out) {
            a->x[edge[e].right] = fmax(a->x[edge[e].right], a->x[block] + edge[e].apart);
            if (--open[edge[e].right] == 0)
                queue[waiting++] = edge[e].right;
        }
    }
    while (done > 0) {
        size_t block = queue[--done];
        double most = INFINITY;
        for (size_t e = out[block]; e != SIZE_MAX; e = edge[e].next_out)
            most = fmin(most, a->x[edge[e].right] - edge[e].apart);
        if (most < INFINITY)
            a->x[block] = fmax(a->x[block], most);
    }
    for (size_t i = 0; i < count; i++)
        a->x[i] = a->x[a->root[i]];
    for (size_t i = 0; i < count && a->right; i++)
        a->x[i] = -a->x[i];
}

static void extent(const struct level *level, const double *x, double *least, double *most) {
    *least = INFINITY;
    *most = -INFINITY;
    for (size_t i = 0; i < level->vertex_count; i++) {
        *least = fmin(*least, x[i] - level->vertices[i].w / 2);
        *most = fmax(*most, x[i] + level->vertices[i].w / 2);
    }
}

/* The mean of the two middle ones of four. Each alignment keeps neighbours apart, so this does too. */
static double middle(const double values[4]) {
    double least = fmin(fmin(values[0], values[1]), fmin(values[2], values[3]));
    double most = fmax(fmax(values[0], values[1]), fmax(values[2], values[3]));
    return (values[0] + values[1] + values[2] + values[3] - least - most) / 2;
}

static void place_across(struct level *level) {
    size_t count = level->vertex_count, steps = 0;
    size_t *first = arena_alloc_array(level->arena, count + 1, sizeof(size_t));
    for (size_t i = 0; i < count; i++) {
        const struct vertex *v = &level->vertices[i];
        first[i] = steps;
        steps += v->up_count;
    }
    char *mark = arena_alloc(level->arena, steps + 1);
    mark_conflicts(level, first, mark);
    struct alignment four[4];
    double least[4], most[4];
    size_t narrowest = 0;
    for (size_t i = 0; i < 4; i++) {
        four[i] = (struct alignment){
            .level = level,
            .from_below = i & 1,
            .right = i & 2,
            .root = arena_alloc_array(level->arena, count + 1, sizeof(size_t)),
            .align = arena_alloc_array(level->arena, count + 1, sizeof(size_t)),
            .x = arena_alloc_array(level->arena, count + 1, sizeof(double)),
        };
        align_blocks(&four[i], first, mark);
        compact(&four[i]);
        extent(level, four[i].x, &least[i], &most[i]);
        if (most[i] - least[i] < most[narrowest] - least[narrowest])
            narrowest = i;
    }
    for (size_t v = 0; v < count; v++) {
        double values[4];
        for (size_t i = 0; i < 4; i++)
            values[i] = four[i].x[v] + (four[i].right ? most[narrowest] - most[i] : least[narrowest] - least[i]);
        level->vertices[v].x = middle(values);
    }
}

/* More room above a rank whose lines come from far aside, so that they do not lie flat. */
static double lean(const struct level *level, const struct rank *rank) {
    double most = 0;
    for (size_t i = 0; i < rank->count; i++) {
        const struct vertex *vertex = &level->vertices[rank->vertices[i]];
        for (size_t k = 0; k < vertex->up_count; k++)
            most = fmax(most, fabs(vertex->x - level->vertices[vertex->up[k]].x));
    }
    return floor(fmin(most * LEVEL_LEAN, LEVEL_LEAN_MOST));
}

static void place_down(struct level *level) {
    double y = 0;
    bool nodes_before = false;
    for (size_t r = 0; r < level->rank_count; r++) {
        struct rank *rank = &level->ranks[r];
        bool nodes = false;
        for (size_t i = 0; i < rank->count; i++) {
            const struct vertex *vertex = &level->vertices[rank->vertices[i]];
            rank->height = fmax(rank->height, vertex->h);
            nodes |= !vertex->bend;
        }
        /* a rank of labels and bends alone lies within the gap of its neighbours */
        if (r > 0)
            y += (nodes && nodes_before ? LEVEL_GAP : LEVEL_GAP_SMALL) + lean(level, rank);
        nodes_before = nodes;
        rank->top = y;
        y += rank->height;
    }
    level->height = y;
}

void level_place(struct level *level) {
    double least, most;
    sort_neighbours(level);
    place_across(level);
    place_down(level);
    double *x = arena_alloc_array(level->arena, level->vertex_count + 1, sizeof(double));
    for (size_t i = 0; i < level->vertex_count; i++)
        x[i] = level->vertices[i].x;
    extent(level, x, &least, &most);
    level->width = level->vertex_count ? 2 * ceil((most - least) / 2) : 0;
    for (size_t i = 0; i < level->vertex_count; i++)
        level->vertices[i].x = round(x[i] - least);
    for (size_t i = 0; i < level->node_count; i++) {
        const struct vertex *vertex = &level->vertices[i];
        const struct rank *rank = &level->ranks[vertex->rank];
        level->nodes[i].x = vertex->x - level->nodes[i].w / 2;
        level->nodes[i].y = round(rank->top + (rank->height - vertex->h) / 2);
    }
}
