/* The lines: upright inside a rank, so that they pass beside the boxes, and curved between ranks. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "flow/draw_inside.h"

enum { PORT_APART = 22, PORT_RIM = 14, LOOP_OUT = 10 };

/* Where one edge leaves or enters a node, while the node's edges are spread along its rim. */
struct port {
    double toward; /* x of what the edge leads to */
    size_t edge;
    double *place;
};

static int compare_ports(const void *a, const void *b) {
    const struct port *one = a, *other = b;
    if (one->toward < other->toward || one->toward > other->toward)
        return one->toward < other->toward ? -1 : 1;
    return one->edge < other->edge ? -1 : one->edge > other->edge;
}

/* Spreads the ports of a node's lower or upper rim: one that leads straight on takes the middle, the others stand
 * beside it in the order of where they lead. */
static void spread(struct port *ports, size_t count, double x, double width) {
    size_t middle = SIZE_MAX;
    if (count == 0)
        return;
    qsort(ports, count, sizeof(*ports), compare_ports);
    for (size_t i = 0; i < count; i++) {
        if (fabs(ports[i].toward - x) < 1)
            middle = i;
    }
    double centre = middle != SIZE_MAX ? (double)middle : (double)(count - 1) / 2;
    double reach = fmax(centre, (double)(count - 1) - centre);
    double apart = reach > 0 ? fmin(PORT_APART, fmax(width / 2 - PORT_RIM, 0) / reach) : 0;
    for (size_t i = 0; i < count; i++)
        *ports[i].place = round(x + ((double)i - centre) * apart);
}

static double toward(const struct level *level, const struct level_edge *edge, bool from_upper) {
    if (edge->chain < edge->chain_end)
        return level->vertices[from_upper ? edge->chain : edge->chain_end - 1].x;
    return level->vertices[from_upper ? edge_lower(edge) : edge_upper(edge)].x;
}

static void spread_ports(struct level *level) {
    struct port *ports = memory_alloc_array(level->edge_count + 1, sizeof(*ports));
    size_t *by_node = memory_alloc_array(2 * level->node_count + 1, sizeof(size_t)); /* upper rims, then lower rims */
    size_t *edges = memory_alloc_array(2 * level->edge_count + 1, sizeof(size_t));
    for (size_t i = 0; i < level->edge_count; i++) {
        const struct level_edge *edge = &level->edges[i];
        if (edge->from == edge->to)
            continue;
        by_node[edge_lower(edge)]++;
        by_node[level->node_count + edge_upper(edge)]++;
    }
    for (size_t i = 0, sum = 0; i < 2 * level->node_count; i++) {
        size_t count = by_node[i];
        by_node[i] = sum;
        sum += count;
    }
    for (size_t i = 0; i < level->edge_count; i++) {
        const struct level_edge *edge = &level->edges[i];
        if (edge->from == edge->to)
            continue;
        edges[by_node[edge_lower(edge)]++] = i;
        edges[by_node[level->node_count + edge_upper(edge)]++] = i;
    }
    for (size_t i = 0, at = 0; i < 2 * level->node_count; i++) { /* by_node[i] is now where the next one's begin */
        bool lower_rim = i >= level->node_count;
        size_t node = lower_rim ? i - level->node_count : i, count = 0;
        for (; at < by_node[i]; at++) {
            struct level_edge *edge = &level->edges[edges[at]];
            ports[count++] = (struct port){toward(level, edge, lower_rim), edges[at],
                                           lower_rim ? &edge->upper_port : &edge->lower_port};
        }
        spread(ports, count, level->vertices[node].x, level->nodes[node].w);
    }
    free(ports);
    free(by_node);
    free(edges);
}

static void add_point(struct level_edge *edge, double x, double y) {
    struct draw_point *next = edge->points + edge->point_count;
    if (edge->point_count > 0 && fabs(next[-1].x - x) <= 0.01 && fabs(next[-1].y - y) <= 0.01)
        return; /* where the line is already */
    *next = (struct draw_point){x, y};
    edge->point_count++;
}

static void route_loop(const struct level *level, struct level_edge *edge, size_t number) {
    const struct level_node *node = &level->nodes[edge->from];
    double out = LOOP_OUT + 4 * (double)number, right = node->x + node->w, rim = right - PORT_RIM;
    edge->points = arena_alloc_array(level->arena, 6, sizeof(*edge->points));
    add_point(edge, rim, node->y + node->h);
    add_point(edge, rim, node->y + node->h + out);
    add_point(edge, right + out, node->y + node->h + out);
    add_point(edge, right + out, node->y - out);
    add_point(edge, rim, node->y - out);
    add_point(edge, rim, node->y);
    edge->label_x = right + out + 6 + edge->label_w / 2;
    edge->label_y = node->y + node->h / 2 + (double)number * LEVEL_LABEL_H;
}

static void route_edge(const struct level *level, struct level_edge *edge) {
    const struct level_node *upper = &level->nodes[edge_upper(edge)], *lower = &level->nodes[edge_lower(edge)];
    const struct rank *first = &level->ranks[level->vertices[edge_upper(edge)].rank];
    const struct rank *last = &level->ranks[level->vertices[edge_lower(edge)].rank];
    size_t bends = edge->chain_end - edge->chain;
    edge->points = arena_alloc_array(level->arena, 2 * bends + 4, sizeof(*edge->points));
    add_point(edge, edge->upper_port, upper->y + upper->h);
    add_point(edge, edge->upper_port, first->top + first->height);
    for (size_t i = edge->chain; i < edge->chain_end; i++) {
        const struct vertex *bend = &level->vertices[i];
        const struct rank *rank = &level->ranks[bend->rank];
        add_point(edge, bend->x, rank->top);
        add_point(edge, bend->x, rank->top + rank->height);
        if (bend->w > 0) {
            edge->label_x = bend->x;
            edge->label_y = rank->top + rank->height / 2;
        }
    }
    add_point(edge, edge->lower_port, last->top);
    add_point(edge, edge->lower_port, lower->y);
    for (size_t i = 0; edge->turned && i < edge->point_count / 2; i++) {
        struct draw_point point = edge->points[i];
        edge->points[i] = edge->points[edge->point_count - 1 - i];
        edge->points[edge->point_count - 1 - i] = point;
    }
}

void level_route(struct level *level) {
    size_t *loops = arena_alloc_array(level->arena, level->node_count + 1, sizeof(size_t));
    spread_ports(level);
    for (size_t i = 0; i < level->edge_count; i++) {
        struct level_edge *edge = &level->edges[i];
        if (edge->from == edge->to)
            route_loop(level, edge, loops[edge->from]++);
        else
            route_edge(level, edge);
    }
}
