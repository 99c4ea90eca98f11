/* Ranks: which layer each state stands in, and a bend in every rank that an edge passes. */
#include <string.h>

#include "flow/draw_inside.h"

struct adjacency {
    size_t *first; /* by node: where its edges begin in `edges`; one more at the end */
    size_t *edges;
};

/* The edges by their starting node, in their order. */
static struct adjacency outgoing(const struct level *level) {
    struct adjacency out = {
        .first = arena_alloc_array(level->arena, level->node_count + 1, sizeof(size_t)),
        .edges = arena_alloc_array(level->arena, level->edge_count + 1, sizeof(size_t)),
    };
    for (size_t i = 0; i < level->edge_count; i++)
        out.first[edge_upper(&level->edges[i]) + 1]++;
    for (size_t i = 0; i < level->node_count; i++)
        out.first[i + 1] += out.first[i];
    size_t *used = arena_alloc_array(level->arena, level->node_count + 1, sizeof(size_t));
    for (size_t i = 0; i < level->edge_count; i++) {
        size_t from = edge_upper(&level->edges[i]);
        out.edges[out.first[from] + used[from]++] = i;
    }
    return out;
}

struct frame {
    size_t node, next;
};

/* Depth first from `root`: an edge to a node that is still open closes a cycle and is turned round. */
static void turn_from(struct level *level, const struct adjacency *out, size_t root, char *mark, struct frame *stack) {
    enum { NEW, OPEN, DONE };
    size_t depth = 0;
    if (mark[root] != NEW)
        return;
    stack[depth++] = (struct frame){root, out->first[root]};
    mark[root] = OPEN;
    while (depth > 0) {
        struct frame *top = &stack[depth - 1];
        if (top->next == out->first[top->node + 1]) {
            mark[top->node] = DONE;
            depth--;
            continue;
        }
        struct level_edge *edge = &level->edges[out->edges[top->next++]];
        if (edge->to == top->node)
            continue; /* an edge to itself is drawn beside its node and has no part in this */
        if (mark[edge->to] == OPEN) {
            edge->turned = true;
        } else if (mark[edge->to] == NEW) {
            mark[edge->to] = OPEN;
            stack[depth++] = (struct frame){edge->to, out->first[edge->to]};
        }
    }
}

static void turn_cycles(struct level *level) {
    struct adjacency out = outgoing(level);
    char *mark = arena_alloc(level->arena, level->node_count + 1);
    struct frame *stack = arena_alloc_array(level->arena, level->node_count + 1, sizeof(struct frame));
    turn_from(level, &out, level->start, mark, stack);
    for (size_t i = 0; i < level->node_count; i++)
        turn_from(level, &out, i, mark, stack);
}

/* A label takes a rank of its own between the two; a turned edge needs room to go round. */
static size_t least_length(const struct level_edge *edge) {
    return edge->label_w > 0 || edge->turned ? 2 : 1;
}

/* Longest ways from above (all edges lead down now). Nodes that nothing leads to stand right above what they lead to.
 */
static void assign_ranks(struct level *level) {
    struct adjacency out = outgoing(level);
    size_t count = level->node_count, done = 0, waiting = 0;
    size_t *open = arena_alloc_array(level->arena, count + 1, sizeof(size_t));
    size_t *queue = arena_alloc_array(level->arena, count + 1, sizeof(size_t));
    for (size_t i = 0; i < level->edge_count; i++) {
        if (level->edges[i].from != level->edges[i].to)
            open[edge_lower(&level->edges[i])]++;
    }
    for (size_t i = 0; i < count; i++) {
        if (open[i] == 0)
            queue[waiting++] = i;
    }
    while (done < waiting) {
        size_t node = queue[done++];
        for (size_t i = out.first[node]; i < out.first[node + 1]; i++) {
            const struct level_edge *edge = &level->edges[out.edges[i]];
            size_t lower = edge_lower(edge), rank = level->vertices[node].rank + least_length(edge);
            if (edge->from == edge->to)
                continue;
            if (level->vertices[lower].rank < rank)
                level->vertices[lower].rank = rank;
            if (--open[lower] == 0)
                queue[waiting++] = lower;
        }
    }
    for (size_t i = 0; i < count; i++)
        open[i] = 0;
    for (size_t i = 0; i < level->edge_count; i++)
        open[edge_lower(&level->edges[i])]++;
    for (size_t at = count; at-- > 0;) {
        size_t node = queue[at], most = SIZE_MAX;
        for (size_t i = out.first[node]; i < out.first[node + 1]; i++) {
            const struct level_edge *edge = &level->edges[out.edges[i]];
            size_t rank = level->vertices[edge_lower(edge)].rank - least_length(edge);
            if (edge->from != edge->to && rank < most)
                most = rank;
        }
        if (open[node] == 0 && node != level->start && most != SIZE_MAX)
            level->vertices[node].rank = most;
    }
}

static bool add_bends(struct level *level, struct error *err) {
    size_t bends = 0;
    for (size_t i = 0; i < level->edge_count; i++) {
        const struct level_edge *edge = &level->edges[i];
        size_t span = level->vertices[edge_lower(edge)].rank - level->vertices[edge_upper(edge)].rank;
        bends += span > 1 ? span - 1 : 0;
        if (bends > level->bends_most)
            return error_set(err, ERROR_LIMIT, "the state machine has too many long transitions to be drawn");
    }
    struct vertex *all = arena_alloc_array(level->arena, level->node_count + bends + 1, sizeof(*all));
    memcpy(all, level->vertices, level->node_count * sizeof(*all));
    level->vertices = all;
    for (size_t i = 0; i < level->edge_count; i++) {
        struct level_edge *edge = &level->edges[i];
        size_t from = all[edge_upper(edge)].rank, to = all[edge_lower(edge)].rank;
        edge->chain = level->vertex_count;
        for (size_t rank = from + 1; rank < to; rank++) {
            bool label = edge->label_w > 0 && rank == (edge->turned ? to - 1 : from + 1);
            all[level->vertex_count++] = (struct vertex){
                .w = label ? edge->label_w : 0, .h = label ? LEVEL_LABEL_H : 0, .rank = rank, .bend = true};
        }
        edge->chain_end = level->vertex_count;
    }
    return true;
}

static size_t chain_at(const struct level_edge *edge, size_t step) {
    size_t bends = edge->chain_end - edge->chain;
    return step == 0 ? edge_upper(edge) : step <= bends ? edge->chain + step - 1 : edge_lower(edge);
}

static void join_neighbours(struct level *level) {
    struct vertex *all = level->vertices;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < level->edge_count; i++) {
            const struct level_edge *edge = &level->edges[i];
            size_t steps = edge->from == edge->to ? 0 : edge->chain_end - edge->chain + 1;
            for (size_t step = 0; step < steps; step++) {
                size_t upper = chain_at(edge, step), lower = chain_at(edge, step + 1);
                if (pass) {
                    all[upper].down[all[upper].down_count] = lower;
                    all[lower].up[all[lower].up_count] = upper;
                    if (edge->main && !edge->turned && all[upper].main_down == SIZE_MAX)
                        all[upper].main_down = lower;
                    if (edge->main && !edge->turned && all[lower].main_up == SIZE_MAX)
                        all[lower].main_up = upper;
                }
                all[upper].down_count++;
                all[lower].up_count++;
            }
        }
        for (size_t i = 0; i < level->vertex_count && !pass; i++) {
            all[i].up = arena_alloc_array(level->arena, all[i].up_count + 1, sizeof(size_t));
            all[i].down = arena_alloc_array(level->arena, all[i].down_count + 1, sizeof(size_t));
            all[i].up_count = all[i].down_count = 0;
            all[i].main_up = all[i].main_down = SIZE_MAX;
        }
    }
}

/* The first order within the ranks: depth first from the start, so that what belongs together stands together. */
static void fill_ranks(struct level *level) {
    for (size_t i = 0; i < level->vertex_count; i++) {
        if (level->vertices[i].rank >= level->rank_count)
            level->rank_count = level->vertices[i].rank + 1;
    }
    level->ranks = arena_alloc_array(level->arena, level->rank_count + 1, sizeof(struct rank));
    for (size_t i = 0; i < level->vertex_count; i++)
        level->ranks[level->vertices[i].rank].count++;
    for (size_t i = 0; i < level->rank_count; i++) {
        level->ranks[i].vertices = arena_alloc_array(level->arena, level->ranks[i].count + 1, sizeof(size_t));
        level->ranks[i].count = 0;
    }
    char *seen = arena_alloc(level->arena, level->vertex_count + 1);
    struct frame *stack = arena_alloc_array(level->arena, level->vertex_count + 1, sizeof(*stack));
    for (size_t root = 0; root <= level->vertex_count; root++) {
        size_t depth = 0, first = root == 0 ? level->start : root - 1;
        if (first >= level->vertex_count || seen[first])
            continue;
        stack[depth++] = (struct frame){first, 0};
        seen[first] = 1;
        while (depth > 0) {
            struct frame *top = &stack[depth - 1];
            struct vertex *vertex = &level->vertices[top->node];
            if (top->next == 0) {
                struct rank *rank = &level->ranks[vertex->rank];
                vertex->place = rank->count;
                rank->vertices[rank->count++] = top->node;
            }
            if (top->next == vertex->down_count) {
                depth--;
                continue;
            }
            size_t next = vertex->down[top->next++];
            if (!seen[next]) {
                seen[next] = 1;
                stack[depth++] = (struct frame){next, 0};
            }
        }
    }
}

bool level_rank(struct level *level, struct error *err) {
    level->vertices = arena_alloc_array(level->arena, level->node_count + 1, sizeof(struct vertex));
    level->vertex_count = level->node_count;
    for (size_t i = 0; i < level->node_count; i++) {
        level->vertices[i].w = level->nodes[i].w + 2 * level->nodes[i].loop_w;
        level->vertices[i].h = level->nodes[i].h;
    }
    turn_cycles(level);
    assign_ranks(level);
    if (!add_bends(level, err))
        return false;
    join_neighbours(level);
    fill_ranks(level);
    return true;
}
